import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Exchange, TestHost } from "../../host/testing/index";
import { modulePath, withFilter } from "./support/filter";

const always = { percentage: { value: 100 } };
const text = (size: number) => Buffer.alloc(size, "0123456789").toString("latin1");
const started = (fault: object) => withFilter("fault", { http: [{ fault }] });

/** An exchange whose response has come so far; the rest is the test's. */
function answered(host: TestHost, chunks: string[], headers: Record<string, string> = {}): Exchange {
  const exchange = host.request();
  exchange.respond({ headers, open: true });
  for (const [i, chunk] of chunks.entries()) exchange.respondBody(chunk, { end: i === chunks.length - 1 });
  return exchange;
}

describe("fault: a rate", () => {
  const limit = { responseRateLimit: { ...always, limitKbps: 10 } };

  test("a body waits until its last byte is paid for", async () => {
    const host = await started(limit);
    const exchange = answered(host, [text(10_240 * 2)]);
    host.advance(1945);
    expect(exchange.response.body.length).toBe(0);
    host.advance(15);
    expect([exchange.state, exchange.response.body.length]).toEqual(["complete", 20_480]);
    expect(host.clock.pending).toBe(0);
  });

  test("what is saved up is a second's worth at most", async () => {
    const host = await started(limit);
    const exchange = host.request();
    host.advance(60_000);
    exchange.respond({ open: true });
    exchange.respondBody(text(10_240));
    expect(exchange.response.body.length).toBe(10_240);
    exchange.respondBody(text(1024), { end: true });
    expect(exchange.response.body.length).toBe(10_240);
    host.advance(110);
    expect(exchange).toHaveProperty("state", "complete");
  });

  test("chunks that come slower than the rate do not wait", async () => {
    const host = await started(limit);
    const exchange = host.request();
    exchange.respond({ open: true });
    for (let i = 1; i <= 20; i++) {
      exchange.respondBody(text(512));
      expect(exchange.response.body.length).toBe(512 * i);
      host.advance(50);
    }
    exchange.respondBody("", { end: true });
    expect(exchange.state).toBe("complete");
  });

  test("a client that leaves takes the timer with it", async () => {
    const host = await started(limit);
    const exchange = answered(host, [text(100_000)]);
    expect(host.clock.pending).toBe(1);
    exchange.disconnect();
    expect(host.clock.pending).toBe(0);
    expect(host.metric("wasm_fault_active_faults")).toBe(0);
  });

  test("the delay of a request comes first", async () => {
    const host = await started({ ...limit, delay: { ...always, fixedDelay: "1s" } });
    const exchange = host.request();
    host.advance(1010);
    expect(exchange).toBeForwarded();
    // A second has been saved up meanwhile.
    exchange.respond({ body: text(10_240) });
    expect(exchange.state).toBe("complete");
    expect(host.metric("wasm_fault_active_faults")).toBe(0);
  });
});

const SIZES = fc.constantFrom(0, 1, 99, 100, 101, 500, 4000);
const share = fc.constantFrom<object>({}, always, always);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

test("fault: whatever befalls a body, no byte is changed, doubled or lost but those cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        stall: optional(fc.record({ share, afterBytes: SIZES })),
        truncate: optional(fc.record({ share, afterBytes: SIZES, reset: fc.boolean() })),
        kbps: optional(fc.constantFrom(1, 2, 1000)),
        chunks: fc.array(fc.tuple(SIZES, fc.constantFrom(0, 0, 3, 40, 700)), { minLength: 1, maxLength: 6 }),
        length: fc.constantFrom("content-length", "chunked", "none"),
        trailers: fc.boolean(),
        protocol: fc.constantFrom("HTTP/1.1", "HTTP/2"),
      }),
      async ({ stall, truncate, kbps, chunks, length, trailers, protocol }) => {
        const fault = {
          delay: { fixedDelay: "1s" },
          ...(stall && { stall: { ...stall.share, afterBytes: stall.afterBytes, duration: "0.05s" } }),
          ...(truncate && {
            truncate: { ...truncate.share, afterBytes: truncate.afterBytes, reset: truncate.reset },
          }),
          ...(kbps && { responseRateLimit: { ...always, limitKbps: kbps } }),
        };
        const configuration = { http: [{ fault }] };
        const plugins = { module: modulePath("fault"), rootId: "fault", configuration };
        // Not startHost: a host that lives on until the end of the test has more to say than the run that failed.
        const host = await TestHost.start({ plugins, trace: false });
        const parts = chunks.map(([size], i) => String.fromCharCode(97 + i).repeat(size));
        const whole = parts.join("");
        const exchange = host.request({ protocol });
        exchange.respond({
          headers:
            length === "content-length"
              ? { "content-length": String(whole.length) }
              : length === "chunked"
                ? { "transfer-encoding": "chunked" }
                : {},
          open: true,
        });
        for (const [i, [, wait]] of chunks.entries()) {
          if (exchange.over) break;
          exchange.respondBody(parts[i]!, { end: i === parts.length - 1 && !trailers });
          host.advance(wait);
        }
        if (trailers && !exchange.over) exchange.respondTrailers({ "x-end": "1" });
        host.advance(60_000);
        if (!exchange.over) {
          exchange.disconnect();
          throw new Error(`it did not end: ${exchange}`);
        }
        const got = exchange.response.body.toString("latin1");
        const cutAt = truncate && "percentage" in truncate.share ? truncate.afterBytes : whole.length;
        const expected = whole.slice(0, cutAt);
        if (exchange.state === "complete") {
          expect(got).toBe(expected);
          expect(truncate?.reset && whole.length > cutAt).not.toBe(true);
        } else {
          // Cut by a rule, or by trailers that nothing announced behind a chunk that was split.
          expect(exchange.state).toBe("reset");
          expect(expected.startsWith(got)).toBe(true);
          const split = stall !== undefined && trailers && length !== "none";
          expect((truncate?.reset && whole.length > cutAt) || split).toBe(true);
        }
        expect(host.clock.pending).toBe(0);
        expect(Number(host.metric("wasm_fault_active_faults") ?? 0)).toBe(0);
        host.close();
      },
    ),
    { numRuns: 500 },
  );
});
