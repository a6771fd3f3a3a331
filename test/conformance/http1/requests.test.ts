import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { CHUNKS } from "./corpus/chunks";
import { CONNECTIONS } from "./corpus/connections";
import { FRAMING } from "./corpus/framing";
import { HEADS } from "./corpus/heads";
import { TARGETS_AND_HOSTS } from "./corpus/targets";
import { counted } from "./counted";
import { type Listed, listInDocs } from "./listed";
import { isStricter, Observer, summary } from "./observe";

/**
 * Malformed, ambiguous and odd requests as raw bytes, a good one pipelined behind each: answers, end of the connection,
 * what the upstream gets and what is counted are the same on both engines, or the Node engine is stricter and the documentation says so.
 */

const CORPUS = [...FRAMING, ...CHUNKS, ...HEADS, ...TARGETS_AND_HOSTS, ...CONNECTIONS];
const ENGINES = ["node", "envoy"] as const;
const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];

describe.skipIf(inject("envoy") === undefined)("HTTP/1.1 requests, byte by byte", () => {
  const engines = { node: new EngineUnderTest("node"), envoy: new EngineUnderTest("envoy") };
  const observers = {} as Record<"node" | "envoy", Observer>;
  const proxies = {} as Record<"node" | "envoy", ProxyUnderTest>;
  const upstreams: RawUpstream[] = [];
  const listed: Listed[] = [];

  beforeAll(async () => {
    for (const name of ENGINES) {
      const upstream = await RawUpstream.start(async (request, reply) => {
        await request.message;
        const head = request.method === "HEAD";
        reply.send(head ? { headers: [["Content-Length", "9"]] } : { body: request.startLine });
      });
      upstreams.push(upstream);
      const listeners = ["main", "fence"].map((each) => build.httpListener({ name: each, routes }));
      const clusters = [build.cluster("app", upstream.port)];
      const proxy = await engines[name].start(build.bootstrap({ listeners, clusters }));
      proxies[name] = proxy;
      observers[name] = await Observer.create(proxy.port("main"), upstream, { fence: proxy.port("fence") });
    }
  });

  afterAll(async () => {
    for (const name of ENGINES) {
      observers[name].close();
      await engines[name].cleanUp();
    }
    for (const upstream of upstreams) await upstream.close();
  });

  const send = (name: "node" | "envoy", bytes: string) =>
    counted(proxies[name], "^http\\.main\\.", () => observers[name].send(bytes));

  test.each(CORPUS)("$name", async ({ name, bytes, why, differs }) => {
    const [node, envoy] = await Promise.all([send("node", bytes), send("envoy", bytes)]);
    if (differs === undefined) {
      expect(node).toEqual(envoy);
      return;
    }
    // What is not treated alike is not counted alike.
    for (const outcome of [node, envoy]) outcome.moved = [];
    expect(node, "stricter no more").not.toEqual(envoy);
    expect({ node, envoy }).toSatisfy(() => isStricter(node, envoy));
    if (differs === "other status") expect(node.upstream).toEqual(envoy.upstream);
    listed.push({ name, envoy: summary(envoy), node: summary(node), why });
  });

  test("names are given once, and the documentation lists all that is stricter", () => {
    expect(new Set(CORPUS.map(({ name }) => name)).size).toBe(CORPUS.length);
    // A run of some cases only shows nothing.
    if (listed.length < CORPUS.filter(({ differs }) => differs).length) return;
    const { found, wanted } = listInDocs("requests", listed);
    expect(found).toBe(wanted);
  });
});
