import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { moduleFile } from "../support/module-file";
import { faultRoutes, type HttpEntry, nativeFaultFilter } from "../support/native-fault";
import { type Probe, probe } from "../support/subjects";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

interface Case {
  /** The root field; left out = off. */
  headerFaults?: boolean | { delay?: Share; abort?: Share };
  entries?: HttpEntry[];
}
type Share = { numerator: number; denominator?: string };

const ALL: Share = { numerator: 100, denominator: "HUNDRED" };
const CASES: Record<string, Case> = {
  "nothing unless configured": {},
  "switched off": { headerFaults: false },
  "switched on": { headerFaults: true },
  "aborts only": { headerFaults: { abort: ALL } },
  "delays only": { headerFaults: { delay: ALL } },
  never: { headerFaults: { abort: { numerator: 0 }, delay: { numerator: 0 } } },
  "of ten thousand": { headerFaults: { abort: { numerator: 10_000, denominator: "TEN_THOUSAND" } } },
  "of a million, and more than all": {
    headerFaults: { abort: { numerator: 1_000_000, denominator: "MILLION" }, delay: { numerator: 200 } },
  },
  "an entry's fault replaces it": {
    headerFaults: true,
    entries: [
      {
        match: [{ uri: { exact: "/a" } }],
        fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } },
      },
      { match: [{ uri: { exact: "/b" } }], fault: { delay: { percentage: { value: 0 }, fixedDelay: "1s" } } },
      { match: [{ uri: { exact: "/c" } }] },
      { fault: { abort: { percentage: { value: 100 }, httpStatus: 419 } } },
    ],
  },
};

/** Values of the control headers: numbers, their edges, and what only looks like one. */
const NUMBERS = ["", "0", "1", "+1", "-1", "-0", "1.5", "0x10", "1e2", "five", "1 2", "007"];
const STATUS = ["199", "200", "418", "+418", "0503", "599", "600", "18446744073709551616", "4294967814"];
const CODES = ["0", "5", "14", "16", "+7"];
// Percentages draw lots unless they are 0, or as much as all.
const PERCENTAGES = ["", "0", "-5", "1000000", "+0", "4294967295", "4294967296", "abc", "0.5"];

const line = (name: string, ...values: string[]) =>
  fc.constantFrom(...values).map((value): [string, string] => [`x-envoy-fault-${name}`, value]);
const headers = fc
  .array(
    fc.oneof(
      line("abort-request", ...NUMBERS, ...STATUS),
      line("abort-request", "418", "503"),
      line("abort-grpc-request", ...NUMBERS.filter((text) => text !== "007"), ...CODES),
      line("abort-request-percentage", ...PERCENTAGES),
      line("delay-request", ...NUMBERS),
      line("delay-request-percentage", ...PERCENTAGES),
      fc.constant<[string, string]>(["content-type", "application/grpc"]),
    ),
    { maxLength: 5 },
  )
  .map((list) =>
    list.filter(([name], i) => name !== "content-type" || list.findIndex(([n]) => n === name) === i),
  );
const PROBES: Probe[] = [
  ...[...STATUS, ...NUMBERS].map((value): Probe => ({ headers: [["x-envoy-fault-abort-request", value]] })),
  ...CODES.flatMap((value): Probe[] => [
    { headers: [["x-envoy-fault-abort-grpc-request", value]] },
    {
      method: "POST",
      headers: [
        ["x-envoy-fault-abort-grpc-request", value],
        ["content-type", "application/grpc"],
      ],
    },
  ]),
  ...fc.sample(fc.record({ path: fc.constantFrom("/", "/a", "/b", "/c"), headers }) as fc.Arbitrary<Probe>, {
    seed,
    numRuns: 150,
  }),
];

/** One script of traffic on three subjects: our module on both engines, and Envoy's own filter. */
describe.skipIf(!inject("envoy"))(`faults that headers ask for (seed ${seed})`, () => {
  const engines: Record<EngineName, EngineUnderTest> = {
    node: new EngineUnderTest("node"),
    envoy: new EngineUnderTest("envoy"),
  };
  let upstream: RawUpstream;
  let node: ProxyUnderTest;
  let envoy: ProxyUnderTest;

  beforeAll(async () => {
    const [fault, details] = await Promise.all([
      moduleFile("filters/fault"),
      moduleFile("test/filters/guests/details"),
    ]);
    upstream = await RawUpstream.start();
    const clusters = [build.cluster("app", upstream.port)];
    const window = build.wasmFilter({ name: "details", wasm: details, rootId: "details", vmId: "details" });
    const toApp = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
    const cases = Object.values(CASES);
    const wasm = cases.map(({ headerFaults, entries = [] }, i) => {
      const configuration = JSON.stringify({ http: entries, headerFaults });
      const ours = build.wasmFilter({
        name: "fault",
        wasm: fault,
        rootId: "fault",
        vmId: "fault",
        configuration,
      });
      return build.httpListener({ name: `wasm-${i}`, filters: [window, ours], routes: toApp });
    });
    const native = cases.map(({ headerFaults, entries = [] }, i) => {
      const share = headerFaults === true ? { delay: ALL, abort: ALL } : headerFaults || {};
      const theirs = nativeFaultFilter({
        ...(share.delay && { delay: { header_delay: {}, percentage: share.delay } }),
        ...(share.abort && { abort: { header_abort: {}, percentage: share.abort } }),
      });
      return build.httpListener({
        name: `native-${i}`,
        filters: [window, theirs],
        routes: faultRoutes(entries, "app"),
      });
    });
    node = await engines.node.start(build.bootstrap({ listeners: wasm, clusters }));
    envoy = await engines.envoy.start(build.bootstrap({ listeners: [...wasm, ...native], clusters }));
  }, 120_000);
  afterAll(async () => {
    await Promise.all(Object.values(engines).map((engine) => engine.cleanUp()));
    await upstream.close();
  });

  let aborted = 0;
  test.concurrent.each(Object.keys(CASES).map((name, at) => [name, at] as const))("%s", async (_, at) => {
    const native = await probe(envoy.port(`native-${at}`), PROBES);
    const ofEnvoy = await probe(envoy.port(`wasm-${at}`), PROBES);
    const ofNode = await probe(node.port(`wasm-${at}`), PROBES);
    PROBES.forEach((request, i) => {
      const expected = { request, seen: native[i] };
      expect({ request, seen: ofEnvoy[i] }).toEqual(expected);
      expect({ request, seen: ofNode[i] }).toEqual(expected);
    });
    aborted += native.filter(({ headers }) =>
      headers.some(([, value]) => value === "fault_filter_abort"),
    ).length;
  });

  test("the traffic above was of both kinds", () => {
    const all = PROBES.length * Object.keys(CASES).length;
    console.log(
      `fault headers: ${aborted} of ${all} requests aborted on each of three subjects, seed ${seed}`,
    );
    expect(aborted).toBeGreaterThan(100);
    expect(aborted).toBeLessThan(all / 2);
  });
});
