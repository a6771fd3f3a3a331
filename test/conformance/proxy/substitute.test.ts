import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Probe, probe } from "../../filters/support/subjects";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";

type Json = build.Json;

const http = (name: string, type: string, config: Json): Json => ({
  name: `envoy.filters.http.${name}`,
  typed_config: { "@type": `type.googleapis.com/envoy.extensions.filters.http.${type}`, ...config },
});
const fault = (config: Json): Json => http("fault", "fault.v3.HTTPFault", config);
const rbac = (config: Json): Json => http("rbac", "rbac.v3.RBAC", config);
const rateLimit = (config: Json): Json =>
  http("local_ratelimit", "local_ratelimit.v3.LocalRateLimit", config);

const ALL = { numerator: 100 };
const abort = (http_status: number, more: Json = {}): Json => ({
  abort: { http_status, percentage: ALL },
  ...more,
});
const GRPC: Probe["headers"] = [["content-type", "application/grpc"]];
const x = (value: string): Probe => ({ headers: [["x-a", value]] });
const XS = ["", "a", "A", "ab", "ba", "bab", "b", "a.b", "axb"].map(x);

/** Filters as Envoy has them, and what is asked of both engines. */
const CASES: Record<string, { filters: Json[]; probes: Probe[] }> = {
  "an abort for all": { filters: [fault(abort(418))], probes: [{}, { method: "HEAD" }, { headers: GRPC! }] },
  "shares of none": {
    filters: [fault({ abort: { http_status: 500 }, delay: { fixed_delay: "5s", percentage: {} } })],
    probes: [{}],
  },
  "a gRPC status": {
    filters: [fault({ abort: { grpc_status: 5, percentage: { numerator: 1e6, denominator: "MILLION" } } })],
    probes: [{}, { headers: GRPC! }],
  },
  "faults that headers ask for": {
    filters: [fault({ abort: { header_abort: {}, percentage: ALL } })],
    probes: [{}, { headers: [["x-envoy-fault-abort-request", "503"]] }],
  },
  "upstream_cluster, downstream_nodes": {
    filters: [
      fault(abort(501, { upstream_cluster: "other" })),
      fault(abort(502, { upstream_cluster: "app", downstream_nodes: ["n1"] })),
    ],
    probes: [{}, { headers: [["x-envoy-downstream-service-node", "n1"]] }],
  },
  ...Object.fromEntries(
    Object.entries<Json>({
      exact: { string_match: { exact: "a" } },
      "exact, any case": { string_match: { exact: "A", ignore_case: true } },
      prefix: { string_match: { prefix: "a" } },
      "suffix, any case": { string_match: { suffix: "A", ignore_case: true } },
      suffix: { suffix_match: "b" },
      contains: { string_match: { contains: "." } },
      regex: { string_match: { safe_regex: { regex: "a.?b" } } },
      present: { present_match: true },
      absent: { present_match: false },
      "not present": { present_match: true, invert_match: true },
      "not exact": { exact_match: "a", invert_match: true },
      "not exact, absent is empty": {
        exact_match: "a",
        invert_match: true,
        treat_missing_header_as_empty: true,
      },
    }).map(([name, matcher]) => [
      `headers: ${name}`,
      { filters: [fault(abort(503, { headers: [{ name: "x-a", ...matcher }] }))], probes: [{}, ...XS] },
    ]),
  ),
  "RBAC whose names are the user's own": {
    filters: [
      rbac({
        rules: {
          action: "DENY",
          policies: {
            noGuests: {
              permissions: [{ url_path: { path: { prefix: "/admin" } } }],
              principals: [{ header: { name: "x-a", string_match: { exact: "a" } } }],
            },
          },
        },
      }),
    ],
    probes: [{ path: "/admin" }, { path: "/admin", ...x("a") }, { path: "/", ...x("a") }],
  },
  "RBAC without rules": { filters: [rbac({})], probes: [{}] },
  "a bucket that is enforced": {
    filters: [
      rateLimit({
        stat_prefix: "limit",
        token_bucket: { max_tokens: 2, fill_interval: "100s" },
        filter_enabled: { default_value: ALL },
        filter_enforced: { default_value: ALL },
      }),
    ],
    probes: [{}, {}, {}, {}],
  },
  "a bucket without shares limits nobody": {
    filters: [rateLimit({ stat_prefix: "limit", token_bucket: { max_tokens: 1, fill_interval: "100s" } })],
    probes: [{}, {}, {}],
  },
  "one behind the other": {
    filters: [
      rbac({
        rules: {
          policies: {
            get: {
              permissions: [{ header: { name: ":method", exact_match: "GET" } }],
              principals: [{ any: true }],
            },
          },
        },
      }),
      fault(abort(429, { headers: [{ name: "x-a", present_match: true }] })),
    ],
    probes: [{}, { method: "PUT" }, x("a"), { method: "PUT", ...x("a") }],
  },
};

const NAMES = Object.keys(CASES);

describe.skipIf(inject("envoy") === undefined)("Envoy's own filters, and ours in their place", () => {
  const engines = { node: new EngineUnderTest("node"), envoy: new EngineUnderTest("envoy") };
  let upstream: RawUpstream;
  let proxies: Record<"node" | "envoy", ProxyUnderTest>;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const listeners = NAMES.map((name) =>
      build.httpListener({
        name,
        filters: CASES[name]!.filters,
        routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
      }),
    );
    const file = build.bootstrap({ listeners, clusters: [build.cluster("app", upstream.port)] });
    const [node, envoy] = await Promise.all([
      engines.node.start(file, { substitute: resolve("build/filters") }),
      engines.envoy.start(file),
    ]);
    proxies = { node, envoy };
  });

  afterAll(async () => {
    await Promise.all([engines.node.cleanUp(), engines.envoy.cleanUp()]);
    await upstream.close();
  });

  test.each(NAMES)("%s", async (name) => {
    const { probes } = CASES[name]!;
    const wanted = await probe(proxies.envoy.port(name), probes);
    expect(await probe(proxies.node.port(name), probes)).toEqual(wanted);
  });

  test("the log says what was put where", () => {
    const lines = proxies.node.log.lines
      .map(({ message }) => message)
      .filter((line) => line.includes(" in the place of "));
    expect(lines).toHaveLength(NAMES.flatMap((name) => CASES[name]!.filters).length);
    expect(lines[0]).toMatch(
      /envoy\.json:\d+:\d+: fault in the place of envoy\.extensions\.filters\.http\.fault\.v3\.HTTPFault, with \{"http":/,
    );
  });
});
