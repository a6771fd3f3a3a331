import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { H2Client, type H2Request } from "../../support/h2-client";
import { FrameClient, FrameType } from "../../support/h2-frames";
import type { RawHeaders } from "../../support/http-message";
import { RawUpstream } from "../../support/raw-upstream";
import { ends, GET } from "./support";

/** Options of HTTP/2 codecs: the same requests, one after the other on a connection, and the same comes of them. */

const filled = (bytes: number): H2Request => ({ headers: [["x-a", "a".repeat(bytes)]] });
const lines = (count: number): H2Request => ({
  headers: Array.from({ length: count }, (_, i): [string, string] => [`x-${i}`, "1"]),
});
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "1"]));
const headers = (...list: RawHeaders): H2Request => ({ headers: list });

interface Option {
  manager: build.Json;
  requests: readonly H2Request[];
}

const OPTIONS: Readonly<Record<string, Option>> = {
  "max_request_headers_kb: 2": {
    manager: { max_request_headers_kb: 2 },
    requests: [filled(1800), filled(2100), filled(30_000), {}],
  },
  "max_headers_count: 10": {
    manager: { common_http_protocol_options: { max_headers_count: 10 } },
    requests: [
      lines(6),
      lines(7),
      lines(50),
      { trailers: many(10), body: "a" },
      { trailers: many(11), body: "a" },
      { trailers: { "x-a": "1" }, body: "a" },
      {},
    ],
  },
  "max_headers_count: 300": {
    manager: { common_http_protocol_options: { max_headers_count: 300 } },
    requests: [lines(250), lines(296), lines(297), {}],
  },
  "headers_with_underscores_action: REJECT_REQUEST": {
    manager: { common_http_protocol_options: { headers_with_underscores_action: "REJECT_REQUEST" } },
    requests: [headers(["x-a", "a_b"]), headers(["x_a", "1"]), { trailers: { x_a: "1" }, body: "a" }, {}],
  },
  "headers_with_underscores_action: DROP_HEADER": {
    manager: { common_http_protocol_options: { headers_with_underscores_action: "DROP_HEADER" } },
    requests: [
      headers(["x_a", "1"], ["x-b", "2"], ["_", "3"]),
      { trailers: { x_a: "1", "x-b": "2" }, body: "a" },
      {},
    ],
  },
  "max_requests_per_connection: 2": {
    manager: { common_http_protocol_options: { max_requests_per_connection: 2 } },
    requests: [{}, {}],
  },
};

const ENGINES = ["node", "envoy"] as const;
const COUNTERS =
  "header_overflow|header_list_size_too_large|requests_rejected|dropped_headers|tx_reset|rx_messaging";

describe.skipIf(inject("envoy") === undefined)("Options of HTTP/2 codecs", () => {
  const engines = { node: new EngineUnderTest("node"), envoy: new EngineUnderTest("envoy") };
  const proxies = {} as Record<"node" | "envoy", ProxyUnderTest>;
  const upstreams = {} as Record<"node" | "envoy", RawUpstream>;
  const titles = Object.keys(OPTIONS);

  beforeAll(async () => {
    for (const name of ENGINES) {
      const upstream = await RawUpstream.start();
      upstreams[name] = upstream;
      const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
      const listeners = titles.map((title, i) =>
        build.httpListener({
          name: `o${i}`,
          routes,
          manager: { codec_type: "HTTP2", ...OPTIONS[title]!.manager },
        }),
      );
      const large = { codec_type: "HTTP2", max_request_headers_kb: 100 };
      listeners.push(build.httpListener({ name: "large", routes, manager: large }));
      proxies[name] = await engines[name].start(
        build.bootstrap({
          listeners,
          clusters: [build.cluster("app", upstream.port, build.CLUSTER_TRAILERS)],
        }),
      );
    }
  });

  afterAll(async () => {
    for (const name of ENGINES) {
      await engines[name].cleanUp();
      await upstreams[name].close();
    }
  });

  async function counters(name: "node" | "envoy", i: number): Promise<Map<string, number>> {
    const filter = `^(http2\\.(${COUNTERS})|http\\.o${i}\\.downstream_(rq|cx_(protocol|max)))`;
    const text = await proxies[name].admin(`/stats?filter=${encodeURIComponent(filter)}`);
    const entries = text.split("\n").map((entry) => entry.split(": ") as [string, string]);
    const counted = entries.filter(([key, value]) => /^\d+$/.test(value ?? "") && !/active|time/.test(key));
    return new Map(counted.map(([key, value]) => [key, Number(value)]));
  }

  // node:http2 as a client sends no head of this size. (Nor does it read a single value above 64 KiB.)
  test("max_request_headers_kb: 100, frame by frame", async () => {
    const run = async (name: "node" | "envoy") => {
      const client = await FrameClient.connect(proxies[name].port("large"));
      const seen: number[] = [];
      for (const [i, size] of [70_000, 98_000, 105_000, 12].entries()) {
        const stream = 2 * i + 1;
        const quarter = "a".repeat(size / 4);
        client.headers(stream, [
          ...GET,
          ...["x-a", "x-b", "x-c", "x-d"].map((n): [string, string] => [n, quarter]),
        ]);
        const end = await client.until((frame) => ends(frame, stream));
        seen.push(end!.type);
      }
      client.close();
      return seen;
    };
    const [node, envoy] = await Promise.all(ENGINES.map(run));
    expect(node).toEqual(envoy);
    expect(node).toEqual([FrameType.Data, FrameType.Data, FrameType.RstStream, FrameType.Data]);
  });

  test.each(titles)("%s", async (title) => {
    const i = titles.indexOf(title);
    const run = async (name: "node" | "envoy") => {
      const before = await counters(name, i);
      const client = await H2Client.connect(proxies[name].port(`o${i}`));
      const seen: unknown[] = [];
      for (const request of OPTIONS[title]!.requests) {
        const first = upstreams[name].requests.length;
        const { status, reset } = await client.request(request);
        const forwarded = [];
        for (const one of upstreams[name].requests.slice(first)) {
          const { trailers, complete } = await one.message;
          // How much of one that is cut gets through is chance.
          if (complete) forwarded.push([...one.headers, ...trailers].map(([key]) => key));
        }
        seen.push({ status, reset, forwarded });
      }
      const goaways = client.goaways.map(({ code }) => code);
      client.close();
      const after = await counters(name, i);
      const moved = [...after].map(([key, value]) => [key, value - (before.get(key) ?? 0)] as const);
      return { seen, goaways: new Set(goaways), moved: moved.filter(([, by]) => by !== 0).sort() };
    };
    const [node, envoy] = await Promise.all(ENGINES.map(run));
    expect(node).toEqual(envoy);
  });
});
