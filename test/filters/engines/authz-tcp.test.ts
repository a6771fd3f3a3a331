import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { anySpec, operation, source, when } from "../support/any-policy";
import { type AuthorizationPolicy, type PolicySpec, rbacFilters } from "../support/native-rbac";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const GENERATED = 30;

const WRITTEN: Record<string, PolicySpec[]> = {
  "no policy": [],
  "deny all": [{}],
  "allow all": [{ rules: [{}] }],
  "by address": [{ rules: [source({ ipBlocks: ["127.0.0.2"] })] }],
  "not by address": [{ action: "DENY", rules: [source({ notIpBlocks: ["127.0.0.0/31"] })] }],
  "DENY of a method denies everything": [{ action: "DENY", rules: [operation({ methods: ["POST"] })] }],
  "DENY of a method at a port": [{ action: "DENY", rules: [operation({ methods: ["POST"], ports: ["1"] })] }],
  "ALLOW of a method allows nothing": [{ rules: [operation({ methods: ["POST"] })] }],
  "ALLOW of a method leaves other rules": [
    { rules: [operation({ methods: ["POST"] }), source({ ipBlocks: ["127.0.1.0/24"] })] },
  ],
  "ALLOW with a method in one of two": [
    { rules: [{ to: [{ operation: { ports: ["1"] } }, { operation: { paths: ["/"] } }] }] },
  ],
  "conditions of HTTP": [
    { action: "DENY", rules: [when("request.headers[x-role]", ["a"]), when("source.ip", ["10.0.0.0/8"])] },
  ],
  "request principals": [
    { action: "DENY", rules: [source({ requestPrincipals: ["*"], ipBlocks: ["127.0.0.2"] })] },
  ],
  AUDIT: [{ action: "AUDIT", rules: [{}] }],
};

const CASES: [string, AuthorizationPolicy[]][] = [
  ...Object.entries(WRITTEN),
  ...fc
    .sample(
      fc.array(anySpec({ identities: true, tokens: true }, ["ALLOW", "DENY", "AUDIT"]), {
        minLength: 1,
        maxLength: 3,
      }),
      {
        seed,
        numRuns: GENERATED,
      },
    )
    .map((specs, i): [string, PolicySpec[]] => [`generated ${i}`, specs]),
].map(([name, specs]) => [
  name,
  specs.map((spec, i) => ({ metadata: { name: `p${i}`, namespace: "shop" }, spec })),
]);

const FROM = ["127.0.0.1", "127.0.0.2", "127.0.1.5", "127.0.0.9"];

/** Says hello from somewhere; true = an echo came, false = the connection was closed. */
async function passes(port: number, localAddress: string): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  try {
    await once(socket, "connect");
    socket.write("hello");
    const echoed = once(socket, "data").then(() => true);
    const closed = once(socket, "close").then(() => false);
    return await Promise.race([echoed, closed]);
  } finally {
    socket.on("error", () => {});
    socket.destroy();
  }
}

describe.skipIf(!inject("envoy"))(
  `authz decides of connections as Envoy's network RBAC (seed ${seed})`,
  () => {
    const engines = { node: new EngineUnderTest("node"), envoy: new EngineUnderTest("envoy") };
    const proxies: Partial<Record<"node" | "envoy", ProxyUnderTest>> = {};
    const echo = createServer((socket) => socket.pipe(socket).on("error", () => {}));
    let open = 0;
    let closed = 0;

    beforeAll(async () => {
      echo.listen(0, "127.0.0.1");
      await once(echo, "listening");
      const clusters = [build.cluster("echo", (echo.address() as AddressInfo).port)];
      const wasm = CASES.map(([, policies], i) =>
        build.tcpListener({
          name: `wasm-${i}`,
          cluster: "echo",
          filters: [
            build.networkWasmFilter({
              name: "authz",
              wasm: resolve("build/filters/authz.wasm"),
              rootId: "authz",
              vmId: "authz",
              configuration: JSON.stringify({ policies }),
            }),
          ],
        }),
      );
      const native = CASES.map(([, policies], i) =>
        build.tcpListener({
          name: `native-${i}`,
          cluster: "echo",
          filters: rbacFilters(policies, { tcp: true }),
        }),
      );
      proxies.node = await engines.node.start(build.bootstrap({ listeners: wasm, clusters }));
      proxies.envoy = await engines.envoy.start(
        build.bootstrap({ listeners: [...wasm, ...native], clusters }),
      );
    }, 120_000);
    afterAll(async () => {
      await Promise.all([engines.node.cleanUp(), engines.envoy.cleanUp()]);
      echo.close();
    });

    test.each(CASES.map(([name], at) => [name, at] as const))("%s", async (_, at) => {
      for (const from of FROM) {
        const expected = await passes(proxies.envoy!.port(`native-${at}`), from);
        const seen = {
          wasm: await passes(proxies.envoy!.port(`wasm-${at}`), from),
          node: await passes(proxies.node!.port(`wasm-${at}`), from),
        };
        expect([from, seen]).toEqual([from, { wasm: expected, node: expected }]);
        if (expected) open++;
        else closed++;
      }
    });

    test("the same is counted", async () => {
      const count = async (proxy: "node" | "envoy", name: string) => proxies[proxy]!.stat(name);
      for (const result of ["allowed", "denied"]) {
        const expected = await count("envoy", `tcp.rbac.${result}`);
        expect(expected).toBeGreaterThan(10);
        expect(await count("envoy", `wasmcustom.tcp.rbac.${result}`)).toBe(expected);
        expect(await count("node", `wasmcustom.tcp.rbac.${result}`)).toBe(expected);
      }
      console.log(`tcp: ${CASES.length} policy sets, ${open} connections let through, ${closed} closed`);
      expect(open).toBeGreaterThan(20);
      expect(closed).toBeGreaterThan(20);
    });
  },
);
