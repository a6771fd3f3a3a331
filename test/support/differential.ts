import { afterAll, beforeAll, describe, expect, inject } from "vitest";
import type { EngineName } from "../../host/engine";
import * as build from "./bootstrap";
import { Behaviour, type Setup } from "./conformance";
import { EngineUnderTest } from "./describe-engines";
import { type H2Request, h2Exchange } from "./h2-client";
import type { RawHeaders } from "./http-message";
import { fenceListener } from "./plugin-log";
import { RawClient, type RawRequest, type RawResponse } from "./raw-client";
import { answerOk, RawUpstream } from "./raw-upstream";

/** What one request has come to, without what no two runs have in common. */
export interface Seen {
  status: number;
  headers: RawHeaders;
  body: string;
  /** The request as the upstream got it: its first line and its header lines. */
  upstream: string[] | undefined;
}

/** A request of a differential test. */
export interface DifferentialRequest extends RawRequest {
  /** Address of the loopback network that it comes from. */
  from?: string;
  /** Sent over HTTP/2 instead. */
  http2?: H2Request;
}

const NAMES: readonly EngineName[] = ["node", "envoy"];

/** One listener, on both engines. */
export class Pair {
  readonly sides = {} as Record<EngineName, Behaviour>;

  constructor(
    readonly id: string,
    readonly setup: Setup,
  ) {
    for (const name of NAMES) this.sides[name] = new Behaviour(id, setup);
  }

  /** Sends the same requests to both, one after the other, and expects the same of both; what the Node engine did. */
  async same(requests: readonly DifferentialRequest[]): Promise<Seen[]> {
    const run = async (side: Behaviour) => {
      const before = await stats(side);
      const seen: Seen[] = [];
      const clients = new Clients(side.port);
      for (const request of requests) seen.push(await observe(side, clients, request));
      clients.close();
      const log = this.setup.loggers ? (await side.messages()).map((line) => tame(line, "", side.port)) : [];
      const after = await stats(side);
      return { seen, log, stats: changes(before, after) };
    };
    const [node, envoy] = await Promise.all(NAMES.map((name) => run(this.sides[name])));
    const told = (seen: readonly Seen[]) => seen.map((one, i) => ({ request: requests[i], ...one }));
    expect(told(node!.seen)).toEqual(told(envoy!.seen));
    expect(node!.log).toEqual(envoy!.log);
    expect(node!.stats).toEqual(envoy!.stats);
    return node!.seen;
  }

  /** The same for one request. */
  async sameOne(request: DifferentialRequest): Promise<Seen> {
    return (await this.same([request]))[0]!;
  }
}

async function observe(
  side: Behaviour,
  clients: Clients,
  { from, http2, ...request }: DifferentialRequest,
): Promise<Seen> {
  const { requests } = side.upstream;
  const before = requests.length;
  const response = await (http2 ? h2Exchange(side.port, http2) : clients.exchange(request, from));
  const forwarded = requests[before];
  const { port } = side;
  const lines = (headers: RawHeaders): RawHeaders =>
    headers.map(([name, value]) => [name, tame(value, name, port)]);
  return {
    status: response.status,
    headers: lines(response.headers),
    body: response.text,
    upstream: forwarded && [
      forwarded.startLine,
      ...lines(forwarded.headers).map(([name, value]) => `${name}: ${value}`),
    ],
  };
}

/** HTTP/1.1 connections, one for each address requests come from, for as long as the proxy keeps it. */
class Clients {
  readonly #open = new Map<string, RawClient>();

  constructor(readonly port: number) {}

  async exchange({ host, ...request }: RawRequest, from = "127.0.0.1"): Promise<RawResponse> {
    const client = this.#open.get(from) ?? (await RawClient.connect(this.port, "127.0.0.1", from));
    this.#open.set(from, client);
    const own = host?.replaceAll("PORT", String(this.port));
    const response = await client.exchange({ ...request, ...(own !== undefined && { host: own }) });
    if (response.header("connection") === "close") {
      client.close();
      this.#open.delete(from);
    }
    return response;
  }

  close(): void {
    for (const client of this.#open.values()) client.close();
  }
}

const VARYING = /^(date|x-envoy-upstream-service-time)$/i;

/** Dates, times, ports and random ids say nothing. The 14th character of an id does. */
function tame(value: string, name: string | number = "", port = 0): string {
  if (typeof name === "string" && VARYING.test(name)) return "...";
  const text = port === 0 ? value : value.replaceAll(String(port), "PORT");
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-(.)[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "uuid-$1")
    .replace(/(127\.\d+\.\d+\.\d+):(?!0\b)\d+/g, "$1:port");
}

const COUNTED = "^http\\.ID\\.|^cluster\\.ID\\.((internal|external)\\.)?upstream_rq_([0-9]|completed)";

type Stats = Readonly<Record<string, number>>;

/** Counters of the connection manager, and of the cluster's answers. Bytes depend on the lengths of ports and ids. */
async function stats(side: Behaviour): Promise<Stats> {
  const text = await side.proxy.admin(
    `/stats?filter=${encodeURIComponent(COUNTED.replaceAll("ID", side.id))}`,
  );
  return Object.fromEntries(
    text
      .split("\n")
      .map((line) => line.split(": "))
      .filter(([name, value]) => name && /^\d+$/.test(value ?? "") && !/bytes|_cx_|active/.test(name))
      .map(([name, value]) => [name!, Number(value)]),
  );
}

function changes(before: Stats, after: Stats): Stats {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
      .filter(([, by]) => by !== 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** A section of tests that send the same to both engines and compare what comes of it; nothing is expected by hand. */
export function differential(title: string, body: (pair: (setup: Setup) => Pair) => void): void {
  describe.skipIf(inject("envoy") === undefined)(title, () => {
    const pairs: Pair[] = [];
    const engines = NAMES.map((name) => new EngineUnderTest(name));
    body((setup) => {
      const pair = new Pair(`d${pairs.length + 1}`, setup);
      pairs.push(pair);
      return pair;
    });
    beforeAll(async () => {
      await Promise.all(
        engines.map(async (engine) => {
          const sides = pairs.map((pair) => pair.sides[engine.name]);
          for (const side of sides) side.upstream = await RawUpstream.start(side.setup.upstream ?? answerOk);
          const listeners = await Promise.all(sides.map((side) => side.listener()));
          listeners.push(await fenceListener());
          const clusters = sides.flatMap((side) => side.clusters());
          const proxy = await engine.start(build.bootstrap({ listeners, clusters }));
          for (const side of sides) side.proxy = proxy;
        }),
      );
    });
    afterAll(async () => {
      for (const engine of engines) await engine.cleanUp();
      for (const { sides } of pairs) for (const name of NAMES) await sides[name].upstream?.close();
    });
  });
}
