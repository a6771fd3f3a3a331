import type { Exchange } from "./exchange";
import type { Labels } from "./recorded-metrics";
import type { TestHost } from "./test-host";

/** What a matcher of vitest or jest answers. */
interface Verdict {
  pass: boolean;
  message(): string;
  actual?: unknown;
  expected?: unknown;
}

type Matcher = (received: never, ...expected: never[]) => Verdict;

function verdict(
  pass: boolean,
  subject: string,
  expectation: string,
  rest: Partial<Verdict> & { story?: string },
) {
  const { story, ...values } = rest;
  const message = () => [`expected ${subject} ${expectation}`, ...(story ? [story] : [])].join("\n");
  return { pass, message, ...values };
}

const hooksOf = (exchange: Exchange) =>
  exchange.hooks
    .map(({ filter, hook, status = "" }) => `  ${filter || "plugin"}: ${hook} ${status}`)
    .join("\n");

/** Matchers for exchanges and hosts: `expect.extend(matchers)`. */
export const matchers = {
  /** The request has reached the upstream, and no response has been made for it here. */
  toBeForwarded: (exchange: Exchange) =>
    verdict(exchange.forwarded.headers !== undefined && !exchange.local, `${exchange}`, "to be forwarded", {
      story: hooksOf(exchange),
    }),

  /** A filter holds the request: it has neither reached the upstream nor been answered. */
  toBeHeld: (exchange: Exchange) =>
    verdict(exchange.state === "held", `${exchange}`, "to be held by a filter", { story: hooksOf(exchange) }),

  /** A filter, or the proxy for it, has answered with this status and, if given, this body. */
  toBeAnswered(exchange: Exchange, status: number, body?: string) {
    const actual = { local: exchange.local, status: exchange.response.status, body: exchange.response.text };
    const expected = { local: true, status, body: body ?? actual.body };
    const pass = actual.local && actual.status === status && actual.body === expected.body;
    return verdict(pass, `${exchange}`, `to be answered ${status}`, {
      actual,
      expected,
      story: hooksOf(exchange),
    });
  },

  /** A counter, gauge or number of a histogram's values, over the series with these labels. */
  toHaveCounted(host: TestHost, name: string, labels: Labels = {}, expected = 1) {
    const actual = host.metric(name, labels);
    const series = host.metrics.map(({ rawName, value }) => `  ${rawName} ${value}`).join("\n");
    return verdict(
      actual === expected,
      `${name}${JSON.stringify(labels)}`,
      `to be ${expected}, it is ${actual}`,
      {
        actual,
        expected,
        story: `series:\n${series}`,
      },
    );
  },

  /** A log line that contains the text or matches the pattern. */
  toHaveLogged: (host: TestHost, pattern: RegExp | string) =>
    verdict(host.logs(pattern).length > 0, "the log", `to have ${pattern}`, { story: host.story() }),
} satisfies Record<string, Matcher>;

/** Types of {@link matchers}, for the runner's own interface of assertions. */
export interface ProxyWasmMatchers<R = void> {
  toBeForwarded(): R;
  toBeHeld(): R;
  toBeAnswered(status: number, body?: string): R;
  toHaveCounted(name: string, labels?: Labels, value?: number): R;
  toHaveLogged(pattern: RegExp | string): R;
}
