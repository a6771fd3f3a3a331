import type { LoadedScenario } from "./load";
import type { Observation } from "./run";
import type { ExpectedHeaders } from "./schema";
import type { SeenMessage } from "./wire";

/** One expectation that did not come true. */
export interface Failure {
  /** `step 2 (GET /private)`, or `scenario`. */
  where: string;
  what: string;
  expected: string;
  actual: string;
}

/** Compares what a scenario did with what it expects; empty = as expected. */
export function judge(scenario: LoadedScenario, seen: Observation): Failure[] {
  return [...scenario.steps.flatMap((_, i) => judgeStep(scenario, seen, i)), ...judgeWhole(scenario, seen)];
}

/** How a step is called in messages. */
export function stepName({ steps }: LoadedScenario, index: number): string {
  const { name, request } = steps[index]!;
  return `step ${index + 1} (${name ?? `${request.method} ${request.path}`})`;
}

const show = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));

function judgeStep(scenario: LoadedScenario, seen: Observation, index: number): Failure[] {
  const { expect } = scenario.steps[index]!;
  const { response, forwarded } = seen.steps[index]!;
  const failures: Failure[] = [];
  const check = (what: string, expected: unknown, actual: unknown) => {
    if (expected === undefined || expected === actual) return;
    failures.push({ where: stepName(scenario, index), what, expected: show(expected), actual: show(actual) });
  };
  if (response === "cut") {
    const asked = expect.status ?? expect.body ?? expect.headers ?? expect.trailers;
    if (asked !== undefined) check("response", "a whole response", "the connection was cut");
  } else {
    check("status", expect.status, response.status);
    checkMessage("response", expect, response, check);
  }
  if (expect.forwarded === false) check("forwarded", "nothing", forwarded ? "a request" : "nothing");
  else if (expect.forwarded && !forwarded) check("forwarded", "a request", "nothing");
  else if (expect.forwarded && forwarded) {
    check("forwarded method", expect.forwarded.method, forwarded.method);
    check("forwarded path", expect.forwarded.path, forwarded.path);
    checkMessage("forwarded", expect.forwarded, forwarded, check);
  }
  return failures;
}

type Check = (what: string, expected: unknown, actual: unknown) => void;

interface Expected {
  headers?: ExpectedHeaders | undefined;
  body?: string | undefined;
  trailers?: ExpectedHeaders | undefined;
}

function checkMessage(who: string, expected: Expected, seen: SeenMessage, check: Check): void {
  checkHeaders(`${who} header`, expected.headers, seen.headers, check);
  check(`${who} body`, expected.body, seen.body);
  checkHeaders(`${who} trailer`, expected.trailers, seen.trailers, check);
}

function checkHeaders(
  what: string,
  expected: ExpectedHeaders | undefined,
  seen: readonly (readonly [string, string])[],
  check: Check,
): void {
  for (const [name, wanted] of Object.entries(expected ?? {})) {
    const values = seen.filter(([each]) => each === name.toLowerCase()).map(([, value]) => value);
    const text = (all: readonly string[]) => (all.length === 0 ? "absent" : all.join(" | "));
    check(`${what} ${name}`, text(wanted === null ? [] : [wanted].flat()), text(values));
  }
}

/** Names have tags in them, which authors do not see in their code. */
function absentAmong(metrics: Record<string, number>): string {
  const names = Object.keys(metrics);
  const some = names.slice(0, 10).join(", ");
  return names.length === 0 ? "absent" : `absent; there are ${some}${names.length > 10 ? ", ..." : ""}`;
}

function judgeWhole({ expect }: LoadedScenario, { logs, metrics }: Observation): Failure[] {
  const missing = (expect.logs ?? []).filter((text) => !logs.some((line) => line.includes(text)));
  const wrong = Object.entries(expect.metrics ?? {}).filter(([name, value]) => metrics[name] !== value);
  return [
    ...missing.map((text) => ({
      where: "scenario",
      what: "log",
      expected: show(text),
      actual: logs.length === 0 ? "nothing was logged" : `only ${logs.map(show).join(", ")}`,
    })),
    ...wrong.map(([name, value]) => ({
      where: "scenario",
      what: `metric ${name}`,
      expected: show(value),
      actual: metrics[name] === undefined ? absentAmong(metrics) : show(metrics[name]),
    })),
  ];
}
