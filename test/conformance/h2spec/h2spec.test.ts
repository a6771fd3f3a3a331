import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { type H2specCase, h2specBinary, runH2spec } from "../../support/h2spec";
import { RawUpstream } from "../../support/raw-upstream";
import { downstreamTls, testPki } from "../../support/tls";

/** Of a client that breaks the rules both proxies are asked the same by h2spec; ours may do no worse than Envoy. */

const ENGINES = ["node", "envoy"] as const;
const TLS_ALPN = { alpn_protocols: ["h2", "http/1.1"] };
/** A case that waits for the end of a connection takes seconds, on a busy machine more than h2spec waits. */
const TRIES = 3;

const bad = (cases: readonly H2specCase[]) => cases.filter(({ failure }) => failure !== undefined);
const byId = (cases: readonly H2specCase[]) => new Map(cases.map((one) => [one.id, one]));

async function findH2spec(): Promise<string | undefined> {
  try {
    return await h2specBinary();
  } catch (error) {
    if (process.env.CI === "true") throw error;
    const bar = "!".repeat(100);
    process.stderr.write(
      `${bar}\nNO H2SPEC: HTTP/2 is not judged by it.\n${(error as Error).message}\n${bar}\n`,
    );
    return undefined;
  }
}

const binary = await findH2spec();
const engines = Object.fromEntries(ENGINES.map((name) => [name, new EngineUnderTest(name)])) as Record<
  EngineName,
  EngineUnderTest
>;

describe.skipIf(binary === undefined || inject("envoy") === undefined)("h2spec", () => {
  const proxies = {} as Record<EngineName, ProxyUnderTest>;
  let upstream: RawUpstream;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "h2spec-"));
    upstream = await RawUpstream.start(async (request, reply) => {
      await request.message;
      const headers: [string, string][] = [["Content-Length", "100"]];
      reply.send(request.method === "HEAD" ? { headers } : { body: "a".repeat(100) });
    });
    const { server } = await testPki();
    const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
    const bootstrap = {
      static_resources: {
        listeners: [
          build.httpListener({ name: "h2c", routes, manager: { codec_type: "HTTP2" } }),
          build.httpListener({ name: "tls", routes, filterChain: downstreamTls(server, TLS_ALPN) }),
        ],
        clusters: [build.cluster("app", upstream.port)],
      },
    };
    for (const name of ENGINES) proxies[name] = await engines[name].start(bootstrap);
  });

  afterAll(async () => {
    for (const name of ENGINES) await engines[name].cleanUp();
    await upstream.close();
    await rm(dir, { recursive: true });
  });

  const ask = (name: EngineName, listener: "h2c" | "tls", ids?: readonly string[]) =>
    runH2spec(binary!, dir, { port: proxies[name].port(listener), tls: listener === "tls" }, ids);

  test.concurrent.each(["h2c", "tls"] as const)(
    "%s: no case fails that Envoy passes",
    { timeout: 180_000 },
    async (listener) => {
      const [ours, envoys] = await Promise.all([ask("node", listener), ask("envoy", listener)]);
      expect(ours.map(({ id }) => id)).toEqual(envoys.map(({ id }) => id));
      expect(ours.length).toBeGreaterThan(140);
      const found = { node: byId(ours), envoy: byId(envoys) };
      let open = bad(ours).filter(({ id }) => found.envoy.get(id)!.failure === undefined);
      for (let i = 1; i < TRIES && open.length > 0; i++) {
        const again = await ask(
          "node",
          listener,
          open.map(({ id }) => id),
        );
        for (const one of again) found.node.set(one.id, one);
        open = bad(again);
      }
      const print = (name: EngineName) => {
        const cases = [...found[name].values()];
        const ids = bad(cases).map(({ id }) => id);
        return `h2spec ${listener} ${name}: ${cases.length - ids.length} of ${cases.length} pass, not ${ids.join(" ")}`;
      };
      process.stdout.write(`${ENGINES.map(print).join("\n")}\n`);
      expect(open).toEqual([]);
    },
  );
});
