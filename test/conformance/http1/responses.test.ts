import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest } from "../../support/describe-engines";
import { RawUpstream, type ReplyWriter } from "../../support/raw-upstream";
import { get } from "./corpus/raw-case";
import { type RawAnswer, RESPONSES } from "./corpus/responses";
import { type Listed, listInDocs } from "./listed";
import { Observer, type Outcome, summary } from "./observe";

/**
 * Malformed, ambiguous and odd answers of an upstream as raw bytes: what the client gets, whether its connection goes on,
 * and what a next request gets, are the same on both engines, or the Node engine is stricter and the documentation says so.
 */

const ENGINES = ["node", "envoy"] as const;
const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];

/** Has a client been told that its answer is broken, and has its next request been served as with Envoy? */
function isFailure(ours: Outcome, envoys: Outcome): boolean {
  if (ours.closes) return ours.answers.length === 1;
  return /^HTTP\/1\.1 50[23] /.test(ours.answers[0] ?? "") && ours.answers[1] === envoys.answers[1];
}

/** The next request's answer says nothing about this one's. */
const first = (outcome: Outcome) => summary({ ...outcome, answers: outcome.answers.slice(0, 1) });

async function answer({ bytes, ends }: RawAnswer, reply: ReplyWriter): Promise<void> {
  reply.raw(bytes);
  if (ends === "end") reply.socket.end();
  if (ends !== "reset") return;
  // A reset takes with it what the other side has not read.
  if (bytes !== "") await new Promise((resolve) => setTimeout(resolve, 20));
  reply.abort();
}

describe.skipIf(inject("envoy") === undefined)("HTTP/1.1 answers of an upstream, byte by byte", () => {
  const engines = { node: new EngineUnderTest("node"), envoy: new EngineUnderTest("envoy") };
  const observers = {} as Record<"node" | "envoy", Observer>;
  const upstreams: RawUpstream[] = [];
  const listed: Listed[] = [];
  /** Upstreams that have not done yet what an answer is to do. */
  const busy = new Set<"node" | "envoy">();

  beforeAll(async () => {
    for (const name of ENGINES) {
      const upstream = await RawUpstream.start(async (request, reply) => {
        await request.message;
        const number = /^\/answer\/(\d+)$/.exec(request.path)?.[1];
        if (number === undefined) {
          reply.send({ body: request.startLine });
          return;
        }
        busy.add(name);
        await answer(RESPONSES[Number(number)]!, reply);
        busy.delete(name);
      });
      upstreams.push(upstream);
      const listeners = [build.httpListener({ name: "main", routes })];
      const clusters = [build.cluster("app", upstream.port)];
      const proxy = await engines[name].start({ static_resources: { listeners, clusters } });
      observers[name] = await Observer.create(proxy.port(), upstream, { isBusy: () => busy.has(name) });
    }
  });

  afterAll(async () => {
    for (const name of ENGINES) {
      observers[name].close();
      await engines[name].cleanUp();
    }
    for (const upstream of upstreams) await upstream.close();
  });

  test.each(RESPONSES)("$name", async (one) => {
    const request = get("", `/answer/${RESPONSES.indexOf(one)}`);
    const [node, envoy] = await Promise.all([observers.node.send(request), observers.envoy.send(request)]);
    if (one.differs === undefined) {
      expect(node).toEqual(envoy);
      return;
    }
    expect(node, "stricter no more").not.toEqual(envoy);
    if (one.differs !== "looser") expect({ node, envoy }).toSatisfy(() => isFailure(node, envoy));
    listed.push({ name: one.name, envoy: first(envoy), node: first(node), why: one.why });
  });

  test("names are given once, and the documentation lists all that is stricter", () => {
    expect(new Set(RESPONSES.map(({ name }) => name)).size).toBe(RESPONSES.length);
    if (listed.length < RESPONSES.filter(({ differs }) => differs).length) return;
    const { found, wanted } = listInDocs("answers", listed);
    expect(found).toBe(wanted);
  });
});
