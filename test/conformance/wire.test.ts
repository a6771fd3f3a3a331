import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { exchange } from "../host/proxy/support/raw-client";
import { tcpUpstream } from "../host/proxy/support/upstream";
import { EngineUnderTest } from "../support/describe-engines";

/**
 * One file, two proxies, the same bytes: what a client gets, and what the upstream saw, must not differ in a single
 * character but dates, ids and times. Where the Node proxy is stricter on purpose, docs/envoy-differences.md says so.
 */

const HOST = "Host: a.com\r\n";
const get = (path: string, headers = "", method = "GET") =>
  `${method} ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`;

/** Answers of the upstream, by last path segment; any other segment gets the request's own bytes back. */
const ANSWERS: Readonly<Record<string, string>> = {
  close:
    "HTTP/1.1 200 OK\r\nConnection: close\r\nKeep-Alive: timeout=5\r\nX-A: 1\r\nContent-Length: 1\r\n\r\nx",
  chunked:
    "HTTP/1.1 200 OK\r\nX-B: 1\r\nX-A: 2\r\nX-B: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
  empty: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  reason: "HTTP/1.1 200 Whatever you say\r\nContent-Length: 0\r\n\r\n",
  "204": "HTTP/1.1 204 No Content\r\n\r\n",
  "204-chunked": "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "204-length": "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
  "304": "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
  "418": "HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n",
  "600": "HTTP/1.1 600 X\r\nContent-Length: 1\r\n\r\nx",
  "099": "HTTP/1.1 099 X\r\nContent-Length: 1\r\n\r\nx",
  "100": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
  encoding: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
  lengths: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
  both: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
  own: "HTTP/1.1 200 OK\r\nServer: up\r\nDate: yesterday\r\nX-Envoy-Upstream-Service-Time: 99\r\nContent-Length: 1\r\nX-Z: z\r\n\r\nx",
  inline:
    "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nVary: a\r\nSet-Cookie: b\r\nVary: b\r\nCache-Control: x\r\nCache-Control: y\r\n" +
    "Content-Length: 1\r\nContent-Type: a\r\nContent-Type: b\r\n\r\nx",
  upgrade: "HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\nx",
  hop: "HTTP/1.1 200 OK\r\nProxy-Connection: x\r\nContent-Length: 1\r\n\r\nx",
  many: `HTTP/1.1 200 OK\r\n${"X-B: a\r\n".repeat(150)}Content-Length: 1\r\n\r\nx`,
  large: `HTTP/1.1 200 OK\r\nX-B: ${"a".repeat(70_000)}\r\nContent-Length: 1\r\n\r\nx`,
  name: "HTTP/1.1 200 OK\r\nX B: a\r\nContent-Length: 1\r\n\r\nx",
  extra: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxyz",
  garbage: "garbage\r\n\r\n",
  head: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
};

const CASES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.keys(ANSWERS)
      // Half a body, unless it answers HEAD.
      .filter((name) => name !== "head")
      .map((name) => [`answer ${name}`, get(`/${name}`)]),
  ),
  "order, duplicates, capitals": get("/echo?q=1", "X-One: 1\r\nx-TWO: 2\r\nX-One: 3\r\n"),
  "inline headers": get(
    "/echo",
    "Accept: a\r\nX-One: 1\r\nAccept: b\r\nCookie: a=1\r\nCookie: b=2\r\nVia: a\r\nVia: b\r\n",
  ),
  "hop headers": get("/echo", "Connection: x-foo\r\nX-Foo: 1\r\nKeep-Alive: 5\r\n"),
  "proxy-connection: close": get("/direct", "Proxy-Connection: close\r\n"),
  "x-envoy headers from outside": get(
    "/echo",
    "X-Envoy-Internal: true\r\nX-Envoy-Retry-On: 5xx\r\nx-envoy-upstream-rq-timeout-ms: 5\r\nx-envoy-original-path: /q\r\n" +
      "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Request-Id: abc\r\nTE: gzip, trailers\r\n",
  ),
  "a client's word on its own certificate": get(
    "/echo",
    "X-Forwarded-Client-Cert: By=a;Subject=b\r\nX-A: 1\r\n",
  ),
  "x-envoy-upstream-stream-duration-ms from outside": get(
    "/echo",
    "x-envoy-upstream-stream-duration-ms: 5\r\n",
  ),
  "empty x-forwarded-proto": get("/echo", "X-Forwarded-Proto:\r\n"),
  "empty request id": get("/echo", "X-Request-Id:\r\nX-A: 1\r\n"),
  "values with spaces and high bytes": get("/echo", "x-e:\r\nx-s:   a b  \r\nx-l: \xe9\xff\r\n"),
  "absolute target": `GET http://other.com/echo?y HTTP/1.1\r\n${HOST}\r\n`,
  "absolute target without path": `GET http://other.com?y HTTP/1.1\r\n${HOST}\r\n`,
  "absolute target of another scheme": `GET ftp://other.com/ HTTP/1.1\r\n${HOST}\r\n`,
  "absolute target with a user": `GET http://u:p@other.com/echo HTTP/1.1\r\n${HOST}\r\n`,
  "absolute target with two users": `GET http://u@v@other.com/echo HTTP/1.1\r\n${HOST}\r\n`,
  "absolute target without a host": `GET http:///echo HTTP/1.1\r\n${HOST}\r\n`,
  "absolute target without path, and a body": `POST http://other.com?y HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nab`,
  "absolute target without path, and connection: close": `GET http://other.com?y HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  "relative target": `GET echo HTTP/1.1\r\n${HOST}\r\n`,
  "two hosts": get("/echo", "Host: b\r\n"),
  "two hosts, one of them empty": "GET /echo HTTP/1.1\r\nHost:\r\nHost: b\r\n\r\n",
  "empty host": "GET /direct HTTP/1.1\r\nHost:\r\n\r\n",
  "host with a slash": "GET /direct HTTP/1.1\r\nHost: a/b\r\n\r\n",
  "host with a user": "GET /direct HTTP/1.1\r\nHost: u@b\r\n\r\n",
  "host with a blank": "GET /direct HTTP/1.1\r\nHost: a, b\r\n\r\n",
  "no host": "GET /direct HTTP/1.1\r\n\r\n",
  "upgrade: h2c": get(
    "/echo",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n",
  ),
  "upgrade: websocket": get("/echo", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
  "nominated cookie": get("/echo", "Connection: cookie\r\nCookie: a\r\n"),
  "nominated x-forwarded-for": get("/echo", "Connection: x-forwarded-for\r\nX-Forwarded-For: 1.1.1.1\r\n"),
  "nominated host": get("/echo", "Connection: host\r\n"),
  "TE nominated": get("/echo", "Connection: keep-alive, te\r\nTE: trailers\r\n"),
  "POST without body": get("/echo", "", "POST"),
  "PATCH without body": get("/echo", "", "PATCH"),
  "DELETE without body": get("/echo", "", "DELETE"),
  "OPTIONS without body": get("/echo", "", "OPTIONS"),
  "POST of no bytes": get("/echo", "Content-Length: 0\r\n", "POST"),
  "two different lengths": get("/direct", "Content-Length: 0\r\nContent-Length: 0\r\n", "POST"),
  "negative length": get("/direct", "Content-Length: -3\r\n", "POST"),
  "length and chunks": `${get("/echo", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "POST")}0\r\n\r\n`,
  "unknown transfer-encoding": get("/echo", "Transfer-Encoding: identity\r\n", "POST"),
  "lower-case method": get("/direct", "", "get"),
  "unknown method": get("/direct", "", "FOO"),
  "QUERY, unknown to Envoy": get("/direct", "", "QUERY"),
  "M-SEARCH, unknown to Envoy's parser": get("/direct", "", "M-SEARCH"),
  "OPTIONS *": `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  "GET *": `GET * HTTP/1.1\r\n${HOST}\r\n`,
  CONNECT: `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`,
  fragment: get("/direct#f"),
  "%00 in the path": get("/echo%00"),
  "odd characters in the path": get('/echo|"{}'),
  "high byte in the path": get("/echo?\xe9"),
  "HTTP/1.0": `GET /direct HTTP/1.0\r\n${HOST}\r\n`,
  "HTTP/1.2": `GET /direct HTTP/1.2\r\n${HOST}\r\n`,
  "no version": "GET\r\n\r\n",
  "headers too long": get("/direct", `X: ${"a".repeat(70_000)}\r\n`),
  "too many headers": get("/direct", "X: a\r\n".repeat(120)),
  "header name with a blank": get("/direct", "X A: 1\r\n"),
  "no header name": get("/direct", ": x\r\n"),
  "direct response": get("/direct"),
  "reply to half a request": `${get("/direct", "Content-Length: 10\r\n", "POST")}ab`,
  redirect: get("/redirect/a?b=1"),
  "redirect to https": get("/redirect/a", "X-Forwarded-Proto: https\r\n"),
  rewrite: get("/rewrite/abc?q"),
  "connection refused": get("/refused"),
  "connection refused, gRPC": get(
    "/refused",
    "Content-Type: application/grpc\r\nContent-Length: 0\r\n",
    "POST",
  ),
  "no hosts": get("/nobody"),
  "no route": get("/none/x"),
  "connection: close": get("/direct", "Connection: keep-alive, close\r\n"),
  "broken chunks": `${get("/echo", "Transfer-Encoding: chunked\r\n", "POST")}zz\r\n`,
};

const HEADS: Readonly<Record<string, string>> = {
  "HEAD of a direct response": get("/direct", "", "HEAD"),
  "HEAD answered with a length": get("/head", "", "HEAD"),
  "HEAD answered without": get("/204", "", "HEAD"),
};

const cluster = (name: string, port: number | undefined) => ({
  name,
  type: "STATIC",
  load_assignment: {
    cluster_name: name,
    endpoints:
      port === undefined
        ? []
        : [
            {
              lb_endpoints: [
                { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } },
              ],
            },
          ],
  },
});

const add = (level: string) => [{ header: { key: "x-level", value: level } }];
const both = (level: string) => ({ request_headers_to_add: add(level), response_headers_to_add: add(level) });

function bootstrap(port: number, refused: number): object {
  const routes = [
    { match: { path: "/direct" }, direct_response: { status: 200, body: { inline_string: "hello" } } },
    { match: { prefix: "/redirect" }, redirect: { host_redirect: "other", path_redirect: "/x" } },
    {
      match: { prefix: "/rewrite/" },
      route: { cluster: "app", prefix_rewrite: "/echo/", host_rewrite_literal: "h.example", timeout: "0s" },
    },
    { match: { prefix: "/refused" }, route: { cluster: "refused" } },
    { match: { prefix: "/nobody" }, route: { cluster: "nobody" } },
    { match: { safe_regex: { regex: "/[^/]*" } }, route: { cluster: "app" }, ...both("route") },
    { match: { prefix: "/echo/" }, route: { cluster: "app" } },
  ];
  const manager = {
    "@type":
      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "in",
    route_config: {
      virtual_hosts: [{ name: "v", domains: ["*"], routes, ...both("host") }],
      ...both("table"),
      response_headers_to_remove: ["x-a"],
    },
    http_filters: [
      {
        name: "router",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  return {
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
    static_resources: {
      listeners: [
        {
          name: "main",
          address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
          filter_chains: [{ filters: [{ name: "hcm", typed_config: manager }] }],
        },
      ],
      clusters: [cluster("app", port), cluster("refused", refused), cluster("nobody", undefined)],
    },
  };
}

describe.skipIf(inject("envoy") === undefined)("The same bytes on both engines", () => {
  const engines = { node: new EngineUnderTest("node"), envoy: new EngineUnderTest("envoy") };
  const ports = { node: 0, envoy: 0 };
  let closeUpstream = async () => {};

  beforeAll(async () => {
    const upstream = await tcpUpstream((socket) => {
      let text = "";
      socket.on("data", (bytes) => {
        text += bytes.toString("latin1");
        if (!text.includes("\r\n\r\n")) return;
        const segment = /^\S+ \S*?\/?([^/?\s]*)(?:\?\S*)? /.exec(text)?.[1] ?? "";
        const answer = ANSWERS[segment] ?? `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
        text = "";
        socket.write(Buffer.from(answer, "latin1"));
      });
    });
    const gone = await tcpUpstream(() => {});
    await gone.close();
    closeUpstream = () => upstream.close();
    const config = bootstrap(upstream.port, gone.port);
    for (const name of ["node", "envoy"] as const) ports[name] = (await engines[name].start(config)).port();
  });

  afterAll(async () => {
    for (const engine of Object.values(engines)) await engine.cleanUp();
    await closeUpstream();
  });

  test.each(Object.entries(CASES))("%s", async (_, request) => {
    expect(await exchange(ports.node, request)).toBe(await exchange(ports.envoy, request));
  });

  test.each(Object.entries(HEADS))("%s", async (_, request) => {
    expect(await exchange(ports.node, request, true)).toBe(await exchange(ports.envoy, request, true));
  });
});
