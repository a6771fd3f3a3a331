import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { describeEngines, EngineUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { anyProbe, anySpec, operation, source, when } from "../support/any-policy";
import { moduleFile } from "../support/module-file";
import { type AuthorizationPolicy, type PolicySpec, rbacFilters } from "../support/native-rbac";
import { probe, type Seen } from "../support/subjects";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const GENERATED = 40;

/** Policies somebody would write, and those that go to the edges of a field. */
const WRITTEN: Record<string, PolicySpec[]> = {
  "no rules: deny all": [{}],
  "an empty rule: allow all": [{ rules: [{}] }],
  "DENY with an empty rule": [{ action: "DENY", rules: [{}] }],
  "path forms": [
    {
      action: "DENY",
      rules: [operation({ paths: ["/a/b", "/p*", "*.html"] }), operation({ paths: ["/*/x", "/x*y"] })],
    },
  ],
  "path star": [{ rules: [operation({ paths: ["*"] })] }],
  "notPaths alone": [{ action: "DENY", rules: [operation({ notPaths: ["/a/*", "/"] })] }],
  "template one": [{ rules: [operation({ paths: ["/a/{*}", "/{*}/c"] })] }],
  "template any": [{ rules: [operation({ paths: ["/a/{**}"] })] }],
  "template inner any": [{ rules: [operation({ paths: ["/{**}/c", "/a/{*}/"] })] }],
  "template dot": [{ rules: [operation({ paths: ["/v1.0/{*}", "/a+b/{*}", "/a(b)/{**}"] })] }],
  methods: [
    {
      action: "DENY",
      rules: [operation({ methods: ["DELETE", "P*"] }), operation({ notMethods: ["*ET", "*D", "POST"] })],
    },
  ],
  hosts: [{ rules: [operation({ hosts: ["A.example", "*.B.example", "c.*", "d.example:*"] })] }],
  notHosts: [{ action: "DENY", rules: [operation({ notHosts: ["*.example", "*:8080"] })] }],
  source: [{ rules: [source({ ipBlocks: ["127.0.0.2", "127.0.1.0/24"] })] }],
  "not source": [{ action: "DENY", rules: [source({ notIpBlocks: ["127.0.0.0/30", "::/0"] })] }],
  "all IPv6 is no IPv4": [{ rules: [source({ ipBlocks: ["::/0"] })] }],
  "both sides": [{ rules: [{ ...source({ ipBlocks: ["127.0.0.1"] }), ...operation({ methods: ["GET"] }) }] }],
  "header exact": [{ action: "DENY", rules: [when("request.headers[x-role]", ["guest"])] }],
  "header joined": [{ rules: [when("request.headers[x-role]", ["admin,guest", "admin, guest"])] }],
  "header present": [{ rules: [when("request.headers[X-Role]", ["*"])] }],
  "header not": [{ action: "DENY", rules: [when("request.headers[x-role]", undefined, ["admin"])] }],
  "header both": [{ rules: [when("request.headers[x-role]", ["ad*"], ["*min2"])] }],
  "header forms": [{ rules: [when("request.headers[x-role]", ["gu*", "*min", "a*n"])] }],
  "headers joined by the proxy": [{ rules: [when("request.headers[user-agent]", ["*b"])] }],
  "pseudo-header": [{ rules: [when("request.headers[:method]", ["GET"])] }],
  "host as a header": [{ rules: [when("request.headers[host]", ["a.example"])] }],
  destination: [{ rules: [when("destination.ip", ["127.0.0.0/8"], ["10.0.0.0/8"])] }],
  port: [{ action: "DENY", rules: [when("destination.port", undefined, ["80", "443"])] }],
  ports: [{ rules: [operation({ ports: ["80"], notMethods: ["PUT"] })] }],
  "source.ip": [{ rules: [when("source.ip", ["127.0.0.0/31"], ["127.0.0.1"])] }],
  "UTF-8": [{ rules: [when("request.headers[x-role]", ["café*"])] }],
  "DENY and ALLOW": [
    { rules: [operation({ methods: ["GET", "POST"] })] },
    { action: "DENY", rules: [operation({ paths: ["/admin*"] })] },
    { action: "DENY", rules: [when("request.headers[x-role]", ["guest"]), operation({ methods: ["POST"] })] },
    { rules: [operation({ paths: ["/open"] })] },
  ],
};

function named(specs: readonly PolicySpec[]): AuthorizationPolicy[] {
  // Not in the order of their names.
  return specs.map((spec, i) => ({ metadata: { name: `p${specs.length - i}`, namespace: "shop" }, spec }));
}

const CASES: [name: string, policies: AuthorizationPolicy[]][] = [
  ...Object.entries(WRITTEN).map(([name, specs]): [string, AuthorizationPolicy[]] => [name, named(specs)]),
  ...fc
    .sample(fc.array(anySpec(), { minLength: 1, maxLength: 3 }), { seed, numRuns: GENERATED })
    .map((specs, i): [string, AuthorizationPolicy[]] => [`generated ${i}`, named(specs as PolicySpec[])]),
];

const PROBES = fc.sample(anyProbe, { seed: seed + 1, numRuns: 60 });

function listener(name: string, filters: readonly build.Json[], details: string, port = 0): build.Json {
  return build.httpListener({
    name,
    port,
    filters: [
      build.wasmFilter({ name: "details", wasm: details, rootId: "details", vmId: "details" }),
      ...filters,
    ],
    routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
  });
}

function ours(wasm: string, policies: readonly AuthorizationPolicy[]): build.Json {
  return build.wasmFilter({
    name: "authz",
    wasm,
    rootId: "authz",
    vmId: "authz",
    configuration: JSON.stringify({ policies }),
  });
}

/** One script of traffic on three subjects: our module on both engines, and Envoy's own filter. */
describe.skipIf(!inject("envoy"))(`authz decides as Envoy's RBAC filter (seed ${seed})`, () => {
  const engines: Record<EngineName, EngineUnderTest> = {
    node: new EngineUnderTest("node"),
    envoy: new EngineUnderTest("envoy"),
  };
  let upstream: RawUpstream;
  const ports: Record<"node" | "envoy" | "native", (at: number) => number> = {
    node: () => 0,
    envoy: () => 0,
    native: () => 0,
  };

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const [wasm, details] = await Promise.all([
      moduleFile("filters/authz"),
      moduleFile("test/filters/guests/details"),
    ]);
    const clusters = [build.cluster("app", upstream.port)];
    const wasmListeners = CASES.map(([, policies], i) =>
      listener(`wasm-${i}`, [ours(wasm, policies)], details),
    );
    const nativeListeners = CASES.map(([, policies], i) =>
      listener(`native-${i}`, rbacFilters(policies), details),
    );
    const node = await engines.node.start(build.bootstrap({ listeners: wasmListeners, clusters }));
    const envoy = await engines.envoy.start(
      build.bootstrap({ listeners: [...wasmListeners, ...nativeListeners], clusters }),
    );
    ports.node = (at) => node.port(`wasm-${at}`);
    ports.envoy = (at) => envoy.port(`wasm-${at}`);
    ports.native = (at) => envoy.port(`native-${at}`);
  }, 120_000);
  afterAll(async () => {
    await Promise.all(Object.values(engines).map((engine) => engine.cleanUp()));
    await upstream.close();
  });

  let denied = 0;
  let passed = 0;

  test.concurrent.each(CASES.map(([name], at) => [name, at] as const))("%s", async (_, at) => {
    const native = await probe(ports.native(at), PROBES);
    const answers: Record<EngineName, Seen[]> = {
      envoy: await probe(ports.envoy(at), PROBES),
      node: await probe(ports.node(at), PROBES),
    };
    PROBES.forEach((request, i) => {
      const expected = { request, seen: native[i] };
      expect({ request, seen: answers.envoy[i] }).toEqual(expected);
      expect({ request, seen: answers.node[i] }).toEqual(expected);
    });
    denied += native.filter(({ headers }) => headers.some(([, value]) => value.startsWith("rbac_"))).length;
    passed += native.filter(({ body }) => body === "ok").length;
  });

  test("the traffic above was of both kinds", () => {
    console.log(
      `authz: ${CASES.length} policy sets, ${denied} denied and ${passed} passed requests on each of three subjects, seed ${seed}`,
    );
    expect(denied).toBeGreaterThan(200);
    expect(passed).toBeGreaterThan(200);
  });
});

/** A port nobody listens on, as far as one can know. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describeEngines("authz", (engine) => {
  test("ports are those the client connected to", async () => {
    const upstream = await RawUpstream.start();
    const [wasm, details] = await Promise.all([
      moduleFile("filters/authz"),
      moduleFile("test/filters/guests/details"),
    ]);
    const [open, closed] = [await freePort(), await freePort()];
    const policies = named([{ rules: [operation({ ports: [String(open)] })] }]);
    await engine.start(
      build.bootstrap({
        listeners: [open, closed].map((port) =>
          listener(`port-${port}`, [ours(wasm, policies)], details, port),
        ),
        clusters: [build.cluster("app", upstream.port)],
      }),
    );
    expect((await probe(open, [{}]))[0]!.status).toBe(200);
    expect((await probe(closed, [{}]))[0]!.status).toBe(403);
    await upstream.close();
  });
});
