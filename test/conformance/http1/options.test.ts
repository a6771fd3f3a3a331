import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { get, post } from "./corpus/raw-case";
import { counted } from "./counted";
import { Observer } from "./observe";

/** Options of HTTP/1.1 codecs: the same bytes, the same outcome and the same counters on both engines. */

const line = (text: string, headers = "Host: a\r\n") => `${text}\r\n${headers}\r\n`;
const filled = (bytes: number) => get(`X-A: ${"a".repeat(bytes)}\r\n`);
const lines = (count: number) => get("X-A: 1\r\n".repeat(count));

const OPTIONS: Readonly<Record<string, { manager: build.Json; inputs: Readonly<Record<string, string>> }>> = {
  "max_request_headers_kb: 2": {
    manager: { max_request_headers_kb: 2 },
    inputs: {
      "1.9 KB": filled(1900),
      "2.1 KB": filled(2100),
      "70 KB": filled(70_000),
      "a path": get("", `/${"a".repeat(2100)}`),
      trailers: post("Transfer-Encoding: chunked\r\n", `0\r\nX-A: ${"a".repeat(2100)}\r\n\r\n`),
    },
  },
  "max_request_headers_kb: 200": {
    manager: { max_request_headers_kb: 200 },
    inputs: { "70 KB": filled(70_000), "190 KB": filled(190_000), "210 KB": filled(210_000) },
  },
  "max_headers_count: 3": {
    manager: { common_http_protocol_options: { max_headers_count: 3 } },
    inputs: {
      "2 and host": lines(2),
      "3 and host": lines(3),
      "what the proxy adds does not count": lines(1),
      trailers: post("Transfer-Encoding: chunked\r\n", "0\r\nX-A: 1\r\nX-B: 1\r\nX-C: 1\r\nX-D: 1\r\n\r\n"),
    },
  },
  "max_headers_count: 300": {
    manager: { common_http_protocol_options: { max_headers_count: 300 } },
    inputs: { "250 lines": lines(250), "301 lines": lines(300) },
  },
  "headers_with_underscores_action: REJECT_REQUEST": {
    manager: { common_http_protocol_options: { headers_with_underscores_action: "REJECT_REQUEST" } },
    inputs: {
      none: get("X-A: 1\r\n"),
      one: get("X_A: 1\r\n"),
      "in a value": get("X-A: a_b\r\n"),
      "in a trailer": post("Transfer-Encoding: chunked\r\n", "0\r\nX_A: 1\r\n\r\n"),
    },
  },
  "headers_with_underscores_action: DROP_HEADER": {
    manager: { common_http_protocol_options: { headers_with_underscores_action: "DROP_HEADER" } },
    inputs: {
      one: get("X_A: 1\r\nX-B: 2\r\n"),
      two: get("X_A: 1\r\nX_B: 2\r\nX-C: 3\r\n"),
      length: post("Content_Length: 3\r\n"),
      connection: get("Connection: x_a\r\nX_A: 1\r\n"),
      "in a trailer": post("Transfer-Encoding: chunked\r\n", "0\r\nX_A: 1\r\n\r\n"),
    },
  },
  "max_requests_per_connection: 2": {
    manager: { common_http_protocol_options: { max_requests_per_connection: 2 } },
    inputs: {
      "one and the probe": get(),
      "two and the probe": get() + get(),
      "three and the probe": get() + get() + get(),
    },
  },
  "allow_absolute_url: false": {
    manager: { http_protocol_options: { allow_absolute_url: false } },
    inputs: {
      path: get(),
      absolute: line("GET http://b/case HTTP/1.1"),
      "absolute, https": line("GET https://b/case HTTP/1.1"),
      "absolute, ftp": line("GET ftp://b/case HTTP/1.1"),
      word: line("GET case HTTP/1.1"),
      star: line("OPTIONS * HTTP/1.1"),
      "no host": line("GET http://b/case HTTP/1.1", ""),
    },
  },
  allow_chunked_length: {
    manager: { http_protocol_options: { allow_chunked_length: true } },
    inputs: {
      "length first": post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
      "length last": post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "3\r\nabc\r\n0\r\n\r\n"),
      "length 0": post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "3\r\nabc\r\n0\r\n\r\n"),
      "another length": post("Transfer-Encoding: chunked\r\nContent-Length: 50\r\n", "3\r\nabc\r\n0\r\n\r\n"),
      "two lengths": post(
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\nContent-Length: 3\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
      ),
      "length and identity": post("Transfer-Encoding: identity\r\nContent-Length: 3\r\n", "abc"),
      "length and gzip, chunked": post(
        "Transfer-Encoding: gzip, chunked\r\nContent-Length: 3\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
      ),
      "of a GET": `${get("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")}3\r\nabc\r\n0\r\n\r\n`,
      "nominated away": post(
        "Connection: content-length\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
      ),
    },
  },
  accept_http_10: {
    manager: { http_protocol_options: { accept_http_10: true } },
    inputs: {
      "1.0": line("GET /case HTTP/1.0"),
      "1.0, no host": line("GET /case HTTP/1.0", ""),
      "1.0, keep-alive": line("GET /case HTTP/1.0", "Host: a\r\nConnection: keep-alive\r\n"),
      "1.0, keep-alive in capitals": line("GET /case HTTP/1.0", "Host: a\r\nConnection: Keep-Alive\r\n"),
      "1.0, close": line("GET /case HTTP/1.0", "Host: a\r\nConnection: close\r\n"),
      "1.0, a body": `${line("POST /case HTTP/1.0", "Host: a\r\nContent-Length: 3\r\n")}abc`,
      "1.0, chunks": `${line("POST /case HTTP/1.0", "Host: a\r\nTransfer-Encoding: chunked\r\n")}0\r\n\r\n`,
      "1.0, absolute": line("GET http://b/case HTTP/1.0", ""),
      "1.0, expect": `${line("POST /case HTTP/1.0", "Host: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n")}abc`,
      "0.9": "GET /case\r\n\r\n",
      "1.1": get(),
      "2.0": line("GET /case HTTP/2.0"),
      "0.9 in words": line("GET /case HTTP/0.9"),
      RTSP: line("GET /case RTSP/1.0"),
      ICE: line("SOURCE /case ICE/1.0"),
    },
  },
  default_host_for_http_10: {
    manager: { http_protocol_options: { accept_http_10: true, default_host_for_http_10: "d.example" } },
    inputs: {
      "1.0, no host": line("GET /case HTTP/1.0", ""),
      "1.0, a host": line("GET /case HTTP/1.0"),
      "1.0, an empty host": line("GET /case HTTP/1.0", "Host:\r\n"),
      "1.0, absolute": line("GET http://b/case HTTP/1.0", ""),
      "1.1, no host": line("GET /case HTTP/1.1", ""),
      "0.9": "GET /case\r\n\r\n",
    },
  },
  "header_key_format: proper_case_words": {
    manager: { http_protocol_options: { header_key_format: { proper_case_words: {} } } },
    inputs: {
      "of an upstream": get("x-a: 1\r\n", "/names"),
      "of the proxy": get("", "/direct"),
      "of the codec": get("X A: 1\r\n"),
      "of a request that is no HTTP": "\0\0\0\0",
      "of HEAD": line("HEAD /direct HTTP/1.1"),
    },
  },
  "enable_trailers, underscores dropped": {
    manager: {
      http_protocol_options: { enable_trailers: true },
      common_http_protocol_options: { headers_with_underscores_action: "DROP_HEADER", max_headers_count: 3 },
    },
    inputs: {
      "in a trailer": post("Transfer-Encoding: chunked\r\n", "0\r\nX_A: 1\r\nX-B: 2\r\n\r\n"),
      "the only trailer": post("Transfer-Encoding: chunked\r\n", "0\r\nX_A: 1\r\n\r\n"),
      "more than may be": post("Transfer-Encoding: chunked\r\n", `0\r\n${"X_A: 1\r\n".repeat(4)}\r\n`),
    },
  },
  "enable_trailers, underscores refused": {
    manager: {
      http_protocol_options: { enable_trailers: true },
      common_http_protocol_options: { headers_with_underscores_action: "REJECT_REQUEST" },
    },
    inputs: { "in a trailer": post("Transfer-Encoding: chunked\r\n", "0\r\nX_A: 1\r\n\r\n") },
  },
  enable_trailers: {
    manager: { http_protocol_options: { enable_trailers: true } },
    inputs: {
      "one trailer": post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n"),
      "100 trailers": post("Transfer-Encoding: chunked\r\n", `0\r\n${"X-A: 1\r\n".repeat(100)}\r\n`),
      "101 trailers": post("Transfer-Encoding: chunked\r\n", `0\r\n${"X-A: 1\r\n".repeat(101)}\r\n`),
      "70 KB": post("Transfer-Encoding: chunked\r\n", `0\r\nX-A: ${"a".repeat(70_000)}\r\n\r\n`),
    },
  },
};

const ENGINES = ["node", "envoy"] as const;
const NAMES: [string, string][] = ["x-a", "x-1a-b_c", "etag", "www-authenticate", "x--b", "x.y"].map(
  (name) => [name, "1"],
);

describe.skipIf(inject("envoy") === undefined)("Options of HTTP/1.1 codecs", () => {
  const engines = { node: new EngineUnderTest("node"), envoy: new EngineUnderTest("envoy") };
  const proxies = {} as Record<"node" | "envoy", ProxyUnderTest>;
  const observers = { node: new Map<string, Observer>(), envoy: new Map<string, Observer>() };
  const upstreams: RawUpstream[] = [];
  const titles = Object.keys(OPTIONS);

  beforeAll(async () => {
    for (const name of ENGINES) {
      const upstream = await RawUpstream.start(async (request, reply) => {
        await request.message;
        const head = request.method === "HEAD";
        if (request.path === "/names") reply.send({ headers: NAMES, body: "names" });
        else reply.send(head ? { headers: [["Content-Length", "9"]] } : { body: request.startLine });
      });
      upstreams.push(upstream);
      const direct = {
        match: { path: "/direct" },
        direct_response: { status: 200, body: { inline_string: "hello" } },
      };
      const listeners = titles.map((title, i) =>
        build.httpListener({
          name: `o${i}`,
          routes: [direct, { match: { prefix: "/" }, route: { cluster: "app" } }],
          manager: OPTIONS[title]!.manager,
        }),
      );
      listeners.push(
        build.httpListener({
          name: "fence",
          routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
        }),
      );
      const clusters = [build.cluster("app", upstream.port, build.CLUSTER_TRAILERS)];
      const proxy = await engines[name].start(build.bootstrap({ listeners, clusters }));
      proxies[name] = proxy;
      for (const [i, title] of titles.entries())
        observers[name].set(
          title,
          await Observer.create(proxy.port(`o${i}`), upstream, { fence: proxy.port("fence") }),
        );
    }
  });

  afterAll(async () => {
    for (const name of ENGINES) {
      for (const observer of observers[name].values()) observer.close();
      await engines[name].cleanUp();
    }
    for (const upstream of upstreams) await upstream.close();
  });

  const cases = titles.flatMap((title, i) =>
    Object.entries(OPTIONS[title]!.inputs).map(([input, bytes]) => ({ title, i, input, bytes })),
  );
  test.each(cases)("$title: $input", async ({ title, i, bytes }) => {
    const run = (name: "node" | "envoy") =>
      counted(proxies[name], `^(http1|http\\.o${i})\\.`, () => observers[name].get(title)!.send(bytes));
    const [node, envoy] = await Promise.all(ENGINES.map(run));
    expect(node).toEqual(envoy);
  });
});
