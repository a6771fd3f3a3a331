import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readB3, writeB3 } from "../../../host/proxy/tracing/b3";
import { decide, type Sampling } from "../../../host/proxy/tracing/decision";
import { readTraceParent, writeTraceParent } from "../../../host/proxy/tracing/w3c";
import { HeaderMap } from "../../../host/stores/header-map";

const hex = (digits: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: digits, maxLength: digits })
    .map((list) => list.map((n) => n.toString(16)).join(""));
const context = fc.record({
  traceId: fc.oneof(hex(16), hex(32)),
  spanId: hex(16),
  parentId: fc.option(hex(16), { nil: undefined }),
  sampled: fc.boolean(),
});
const empty = () => HeaderMap.of("request", []);

describe("B3", () => {
  test("what is written is read again, in one header and in several", () => {
    fc.assert(
      fc.property(context, fc.boolean(), (given, single) => {
        const headers = empty();
        writeB3(given, single, headers);
        const { sampled, ...rest } = given;
        expect(readB3(headers)).toEqual({ context: rest, sampled, single });
      }),
    );
  });

  test("nothing that is read is long or throws", () => {
    const names = ["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled"];
    const header = fc.tuple(fc.constantFrom(...names), fc.oneof(hex(16), fc.string(), fc.constant("1")));
    fc.assert(
      fc.property(fc.array(header), (headers) => {
        const read = readB3(HeaderMap.of("request", headers));
        if (read?.context) expect(read.context.traceId).toMatch(/^([0-9a-f]{16}){1,2}$/);
      }),
    );
  });
});

test("a name that every object has is no decision to sample", () => {
  for (const name of ["constructor", "toString", "__proto__"])
    expect(readB3(HeaderMap.of("request", [["b3", name]]))).toBeUndefined();
});

describe("W3C", () => {
  test("what is written is read again", () => {
    fc.assert(
      fc.property(context, (given) => {
        const headers = empty();
        writeTraceParent(given, headers);
        const { traceId, spanId, sampled } = given;
        if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) expect(readTraceParent(headers)).toBe("bad");
        else
          expect(readTraceParent(headers)).toEqual({ traceId: traceId.padStart(32, "0"), spanId, sampled });
      }),
    );
  });

  test("anything else is bad", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readTraceParent(HeaderMap.of("request", [["traceparent", text]]))).toBe("bad");
      }),
    );
    expect(readTraceParent(empty())).toBeUndefined();
  });
});

describe("the decision", () => {
  const IDS = {
    generate: true,
    preserveExternal: false,
    inResponse: false,
    packTraceReason: true,
    useForSampling: true,
  };
  const sampling = (more: Partial<Sampling> = {}): Sampling => ({
    clientSampling: 10_000,
    randomSampling: 10_000,
    overallSampling: 10_000,
    ...more,
  });
  const request = (id: string, ...more: [string, string][]) =>
    HeaderMap.of("request", [["x-request-id", id], ...more]);
  const id = (first: string, reason = "4") => `${first}-0000-${reason}000-8000-000000000000`;

  test("chance comes out of the id: proxies that sample alike decide alike", () => {
    // 0x1388 = 5000
    expect(decide(request(id("00001388")), sampling({ randomSampling: 5000 }), IDS)).toBe("not_traceable");
    expect(decide(request(id("00001387")), sampling({ randomSampling: 5000 }), IDS)).toBe("random_sampling");
    expect(decide(request(id("00001388")), sampling({ overallSampling: 5000 }), IDS)).toBe("not_traceable");
  });

  test("the id tells the next proxy", () => {
    const headers = request(id("00000000"));
    decide(headers, sampling(), IDS);
    expect(headers.get("x-request-id")).toBe(id("00000000", "9"));
    expect(decide(headers, sampling({ randomSampling: 0 }), IDS)).toBe("random_sampling");
    const forced = request(id("00000000"), ["x-envoy-force-trace", "1"]);
    expect(decide(forced, sampling({ randomSampling: 0 }), IDS)).toBe("service_forced");
    expect(forced.get("x-request-id")).toBe(id("00000000", "a"));
    const capped = request(id("00000000", "9"));
    expect(decide(capped, sampling({ overallSampling: 0 }), IDS)).toBe("not_traceable");
    expect(capped.get("x-request-id")).toBe(id("00000000"));
  });

  test("the client's own trace, as often as it may", () => {
    const headers = () => request(id("00000000"), ["x-client-trace-id", "x"]);
    const rules = sampling({ clientSampling: 5000, randomSampling: 0 });
    expect(decide(headers(), rules, IDS, () => 0.4999)).toBe("client_enabled");
    expect(decide(headers(), rules, IDS, () => 0.5)).toBe("not_traceable");
  });

  test("an id that is none, or that is not to be looked at", () => {
    expect(decide(request("mine"), sampling(), IDS)).toBe("not_traceable");
    expect(decide(request(id("zzzzzzzz")), sampling(), IDS)).toBe("not_traceable");
    expect(decide(request(id("00000000")), sampling(), { ...IDS, useForSampling: false })).toBe(
      "not_traceable",
    );
  });
});
