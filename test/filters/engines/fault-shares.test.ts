import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { moduleFile } from "../support/module-file";
import { nativeFaultFilter } from "../support/native-fault";
import { type Probe, probe } from "../support/subjects";

const REQUESTS = 20_000;
const CONNECTIONS = 50;
const SEED = 42;
const TO_APP = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
const HUNDREDTHS = (numerator: number) => ({ numerator, denominator: "HUNDRED" });

/** Envoy's response flags: delay injected, fault injected. */
const DI = 1 << 9;
const FI = 1 << 10;

interface Counts {
  delayed: number;
  aborted: number;
  both: number;
}

/** Shares of many requests, in per cent. */
async function shares(port: number, request: Probe): Promise<Counts> {
  const each = Array.from({ length: REQUESTS / CONNECTIONS }, () => request);
  const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => probe(port, each)));
  const counts = { delayed: 0, aborted: 0, both: 0 };
  for (const { headers } of answers.flat()) {
    const value = (name: string) => headers.find(([key]) => key === name)?.[1] ?? "";
    const flags = Number(value("x-flags"));
    const marks = value("x-mark").split(",");
    const delayed = marks.includes("DI") || (flags & DI) !== 0;
    const aborted = marks.includes("FI") || (flags & FI) !== 0;
    if (delayed) counts.delayed++;
    if (aborted) counts.aborted++;
    if (delayed && aborted) counts.both++;
  }
  const share = (count: number) => (100 * count) / REQUESTS;
  return { delayed: share(counts.delayed), aborted: share(counts.aborted), both: share(counts.both) };
}

/** Five standard deviations of a share of `percent`, in per cent. */
const give = (percent: number) => 500 * Math.sqrt(((percent / 100) * (1 - percent / 100)) / REQUESTS);

function expectShares(subject: string, seen: Counts, wanted: Counts): void {
  console.log(
    `fault shares of ${REQUESTS} requests, ${subject}: delayed ${seen.delayed.toFixed(2)} % (${wanted.delayed}), ` +
      `aborted ${seen.aborted.toFixed(2)} % (${wanted.aborted}), both ${seen.both.toFixed(2)} % (${wanted.both})`,
  );
  for (const key of ["delayed", "aborted", "both"] as const)
    expect(Math.abs(seen[key] - wanted[key]), `${subject}: ${key}`).toBeLessThanOrEqual(give(wanted[key]));
}

/** 20 000 requests on each of three subjects; ours are replayable by their seed, Envoy's own filter is not. */
describe.skipIf(!inject("envoy"))("fault: how many requests are hit", () => {
  const engines: Record<EngineName, EngineUnderTest> = {
    node: new EngineUnderTest("node"),
    envoy: new EngineUnderTest("envoy"),
  };
  let upstream: RawUpstream;
  let subjects: [string, (name: string) => number][];

  beforeAll(async () => {
    const [fault, mark] = await Promise.all([
      moduleFile("filters/fault"),
      moduleFile("test/filters/guests/fault-mark"),
    ]);
    upstream = await RawUpstream.start();
    const clusters = [build.cluster("app", upstream.port)];
    const window = build.wasmFilter({ name: "mark", wasm: mark, rootId: "fault-mark", vmId: "mark" });
    const listener = (name: string, filter: build.Json) =>
      build.httpListener({ name, filters: [window, filter], routes: TO_APP });
    const ours = (config: object) =>
      build.wasmFilter({
        name: "fault",
        wasm: fault,
        rootId: "fault",
        vmId: "fault",
        configuration: JSON.stringify({ seed: SEED, ...config }),
      });
    const wasm = [
      listener(
        "both",
        ours({
          http: [
            {
              fault: {
                delay: { percentage: { value: 50 }, fixedDelay: "0.001s" },
                abort: { percentage: { value: 10 }, httpStatus: 503 },
              },
            },
          ],
        }),
      ),
      listener("asked", ours({ http: [], headerFaults: { delay: HUNDREDTHS(30), abort: HUNDREDTHS(30) } })),
    ];
    const native = [
      listener(
        "native-both",
        nativeFaultFilter({
          delay: { fixed_delay: "0.001s", percentage: HUNDREDTHS(50) },
          abort: { http_status: 503, percentage: HUNDREDTHS(10) },
        }),
      ),
      listener(
        "native-asked",
        nativeFaultFilter({
          delay: { header_delay: {}, percentage: HUNDREDTHS(30) },
          abort: { header_abort: {}, percentage: HUNDREDTHS(30) },
        }),
      ),
    ];
    const envoy = await engines.envoy.start(build.bootstrap({ listeners: [...wasm, ...native], clusters }));
    const node: ProxyUnderTest = await engines.node.start(build.bootstrap({ listeners: wasm, clusters }));
    subjects = [
      ["Envoy's own filter", (name) => envoy.port(`native-${name}`)],
      ["ours in Envoy", (name) => envoy.port(name)],
      ["ours in Node", (name) => node.port(name)],
    ];
  }, 120_000);
  afterAll(async () => {
    await Promise.all(Object.values(engines).map((engine) => engine.cleanUp()));
    await upstream.close();
  });

  test("a delay of 50 % and an abort of 10 % make 5 % of both", async () => {
    for (const [subject, port] of subjects)
      expectShares(subject, await shares(port("both"), {}), { delayed: 50, aborted: 10, both: 5 });
  }, 180_000);

  test("a header that asks for 100 % gets the 30 % that are allowed", async () => {
    const request: Probe = {
      headers: [
        ["x-envoy-fault-delay-request", "1"],
        ["x-envoy-fault-delay-request-percentage", "100"],
        ["x-envoy-fault-abort-request", "503"],
        ["x-envoy-fault-abort-request-percentage", "100"],
      ],
    };
    for (const [subject, port] of subjects)
      expectShares(subject, await shares(port("asked"), request), { delayed: 30, aborted: 30, both: 9 });
  }, 180_000);
});
