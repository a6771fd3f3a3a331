import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convertDownstreamCodec } from "../../../host/config/convert/codec";
import { ResponseFlag } from "../../../host/stores/stream-info";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { exchange, normalise, RawClient } from "./support/raw-client";
import { type StartedProxy, startProxy } from "./support/start-proxy";
import { echo, httpUpstream, type Upstream } from "./support/upstream";

/** The expected bytes in this file were taken from Envoy 1.40 with an equal configuration. */
let upstream: Upstream;
let started: StartedProxy;

beforeAll(async () => {
  upstream = await httpUpstream((request, response) => {
    const url = new URL(request.url ?? "/", "http://x");
    const status = Number(url.searchParams.get("status"));
    if (status) {
      response.writeHead(status);
      response.end();
    } else if (url.pathname === "/chunks") {
      response.writeHead(200, ["X-B", "1", "X-a", "2", "X-B", "3"]);
      response.end("ab");
    } else if (url.pathname === "/informational") {
      response.writeProcessing();
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.end("k");
    } else if (url.pathname === "/trailers") {
      response.writeHead(200, { trailer: "X-T" });
      response.write("x");
      response.addTrailers({ "X-T": "1" });
      response.end();
    } else echo(request, response);
  });
  const routes = [
    route("/direct", { kind: "directResponse", status: 200, body: Buffer.from("hello") }),
    route("/", toCluster("app")),
  ];
  started = await startProxy(bootstrap([listener([virtualHost(routes)])], [cluster("app", upstream.port)]));
});

afterAll(async () => {
  await started.proxy.kill();
  await upstream.close();
});

const HOST = "Host: a.com\r\n";

/** What the upstream saw of a request that it echoed. */
async function seen(
  request: string,
): Promise<{ method: string; url: string; headers: string[]; body: string }> {
  const response = await exchange(started.port, request);
  return JSON.parse(response.slice(response.indexOf("\r\n\r\n") + 4));
}

function pairs(flat: string[]): string[] {
  return flat.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${flat[i + 1]}`] : []));
}

const ADDED = ["x-forwarded-proto: http", "x-request-id: UUID", "x-envoy-expected-rq-timeout-ms: 15000"];

describe("request headers", () => {
  test("keep order and duplicates, lose their capitals, gain Envoy's", async () => {
    const { headers } = await seen(`GET /x?q=1 HTTP/1.1\r\n${HOST}X-One: 1\r\nx-TWO: 2\r\nX-One: 3\r\n\r\n`);
    expect(pairs(headers)).toEqual(["host: a.com", "x-one: 1", "x-two: 2", "x-one: 3", ...ADDED]);
  });

  test("inline names join, cookies do not", async () => {
    const { headers } = await seen(
      `GET /x HTTP/1.1\r\n${HOST}Accept: a\r\nX-One: 1\r\nAccept: b\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n`,
    );
    expect(pairs(headers)).toEqual([
      "host: a.com",
      "accept: a,b",
      "x-one: 1",
      "cookie: a=1",
      "cookie: b=2",
      ...ADDED,
    ]);
  });

  test("hop headers and those they nominate end here", async () => {
    const { headers } = await seen(
      `GET /x HTTP/1.1\r\n${HOST}Connection: x-foo\r\nX-Foo: 1\r\nKeep-Alive: 5\r\nProxy-Connection: k\r\n\r\n`,
    );
    expect(pairs(headers)).toEqual(["host: a.com", ...ADDED]);
  });

  test("orders to the router come only from inside", async () => {
    const { headers } = await seen(
      `GET /x HTTP/1.1\r\n${HOST}X-Envoy-Internal: true\r\nX-Envoy-Retry-On: 5xx\r\nx-envoy-upstream-rq-timeout-ms: 5\r\n` +
        "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Request-Id: abc\r\nTE: gzip, trailers\r\n\r\n",
    );
    expect(pairs(headers)).toEqual([
      "host: a.com",
      "x-forwarded-for: 1.2.3.4",
      "x-forwarded-proto: https",
      "x-request-id: abc",
      "te: trailers",
      "x-envoy-expected-rq-timeout-ms: 15000",
    ]);
  });

  test("an empty request id is replaced in its place", async () => {
    const { headers } = await seen(`GET /x HTTP/1.1\r\n${HOST}X-Request-Id:\r\nX-A: 1\r\n\r\n`);
    expect(pairs(headers).slice(1, 3)).toEqual(["x-request-id: UUID", "x-a: 1"]);
  });

  test("empty values, inner spaces and high bytes survive", async () => {
    const { headers } = await seen(
      `GET /x HTTP/1.1\r\n${HOST}x-e:\r\nx-sp:   a b  \r\nx-l: \xe9\xff\r\n\r\n`,
    );
    const utf8 = pairs(headers).slice(1, 4);
    expect(utf8).toEqual(["x-e: ", "x-sp: a b", `x-l: ${Buffer.from("\xe9\xff").toString("latin1")}`]);
  });

  test("an absolute target replaces the host", async () => {
    const { url, headers } = await seen(`GET http://other.com/x?y HTTP/1.1\r\n${HOST}\r\n`);
    expect(url).toBe("/x?y");
    expect(pairs(headers)).toEqual(["host: other.com", ...ADDED]);
  });

  test("upgrade: h2c is ignored", async () => {
    const { headers } = await seen(
      `GET /x HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n`,
    );
    expect(pairs(headers)).toEqual(["host: a.com", ...ADDED]);
  });

  test("an unknown expectation travels on, 100-continue is answered here", async () => {
    const { headers, body } = await seen(
      `POST /x HTTP/1.1\r\n${HOST}X-Expect: 1\r\nContent-Length: 2\r\n\r\nhi`,
    );
    expect(body).toBe("hi");
    expect(pairs(headers)).toContain("x-expect: 1");
    const client = await RawClient.connect(started.port);
    client.write(`POST /x HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
    expect(await client.response()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.write("hi");
    const response = await client.response();
    expect(response).toContain('"body":"hi"');
    expect(response).not.toContain("100-continue");
    client.destroy();
  });
});

describe("request bodies", () => {
  test("chunked stays chunked", async () => {
    const { headers, body } = await seen(
      `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n`,
    );
    expect(body).toBe("abc");
    expect(pairs(headers)).toEqual(["host: a.com", ...ADDED, "transfer-encoding: chunked"]);
  });

  test("content-length stays in its place", async () => {
    const { headers, body } = await seen(`POST /x HTTP/1.1\r\n${HOST}Content-Length: 3\r\nX-A: 1\r\n\r\nabc`);
    expect(body).toBe("abc");
    expect(pairs(headers)).toEqual(["host: a.com", "content-length: 3", "x-a: 1", ...ADDED]);
  });

  test.each([
    ["POST", [...ADDED, "content-length: 0"]],
    ["DELETE", ADDED],
  ])("%s without a body", async (method, added) => {
    const { headers } = await seen(`${method} /x HTTP/1.1\r\n${HOST}\r\n`);
    expect(pairs(headers)).toEqual(["host: a.com", ...added]);
  });
});

describe("responses", () => {
  const SERVED = "date: D\r\nx-envoy-upstream-service-time: N\r\nserver: envoy\r\n";

  test("keep order and duplicates, lose their capitals", async () => {
    expect(await exchange(started.port, `GET /chunks HTTP/1.1\r\n${HOST}\r\n`)).toBe(
      "HTTP/1.1 200 OK\r\nx-b: 1\r\nx-a: 2\r\nx-b: 3\r\ndate: D\r\n" +
        "x-envoy-upstream-service-time: N\r\nserver: envoy\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    );
  });

  test.each([
    [204, "No Content", ""],
    [304, "Not Modified", ""],
    [299, "Unknown", "transfer-encoding: chunked\r\n"],
    [418, "Unknown", "transfer-encoding: chunked\r\n"],
  ])("%i has Envoy's reason and framing", async (status, reason, framing) => {
    const body = framing === "" ? "" : "0\r\n\r\n";
    expect(await exchange(started.port, `GET /x?status=${status} HTTP/1.1\r\n${HOST}\r\n`)).toBe(
      `HTTP/1.1 ${status} ${reason}\r\n${SERVED}${framing}\r\n${body}`,
    );
  });

  test("HEAD has the headers and no body", async () => {
    const client = await RawClient.connect(started.port);
    client.write(`HEAD /direct HTTP/1.1\r\n${HOST}\r\n`);
    expect(normalise(await client.response(true))).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\ndate: D\r\nserver: envoy\r\n\r\n",
    );
    client.write(`HEAD /x HTTP/1.1\r\n${HOST}\r\n`);
    expect(normalise(await client.response(true))).toBe(
      `HTTP/1.1 200 OK\r\n${SERVED}transfer-encoding: chunked\r\n\r\n`,
    );
    client.destroy();
  });

  test("1xx of the upstream are swallowed", async () => {
    expect(await exchange(started.port, `GET /informational HTTP/1.1\r\n${HOST}\r\n`)).toBe(
      "HTTP/1.1 200 OK\r\ndate: D\r\ncontent-length: 1\r\nx-envoy-upstream-service-time: N\r\nserver: envoy\r\n\r\nk",
    );
  });

  test("trailers are dropped unless enabled", async () => {
    expect(await exchange(started.port, `GET /trailers HTTP/1.1\r\n${HOST}\r\n`)).toBe(
      `HTTP/1.1 200 OK\r\ntrailer: X-T\r\n${SERVED}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
    );
  });

  test("connection: close is answered and done", async () => {
    const client = await RawClient.connect(started.port);
    client.write(`GET /direct HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    expect(normalise(await client.untilClosed())).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\ndate: D\r\nserver: envoy\r\n" +
        "connection: close\r\n\r\nhello",
    );
  });

  test("pipelined requests are answered in order", async () => {
    const client = await RawClient.connect(started.port);
    client.write(`GET /x?1 HTTP/1.1\r\n${HOST}\r\nGET /direct HTTP/1.1\r\n${HOST}\r\n`);
    expect(await client.response()).toContain('"url":"/x?1"');
    expect(await client.response()).toContain("hello");
    client.destroy();
  });

  test("a reply to a half-sent request closes the connection", async () => {
    const client = await RawClient.connect(started.port);
    client.write(`POST /direct HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nab`);
    const response = normalise(await client.untilClosed());
    expect(response).toContain("connection: close\r\n");
    expect(response.endsWith("\r\n\r\nhello")).toBe(true);
  });
});

describe("HTTP/1.0, when accepted", () => {
  let old: StartedProxy;
  beforeAll(async () => {
    const routes = [
      route("/direct", { kind: "directResponse", status: 200, body: Buffer.from("hello") }),
      route("/", toCluster("app")),
    ];
    old = await startProxy(
      bootstrap(
        [
          listener([virtualHost(routes)], {
            codec: convertDownstreamCodec({ http_protocol_options: { accept_http_10: true } }),
          }),
        ],
        [cluster("app", upstream.port)],
      ),
    );
  });
  afterAll(() => old.proxy.kill());

  const hello = (connection: string) =>
    "HTTP/1.0 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\ndate: D\r\nserver: envoy\r\n" +
    `connection: ${connection}\r\n\r\nhello`;

  test("the connection ends, or is kept when asked for", async () => {
    const client = await RawClient.connect(old.port);
    client.write("GET /direct HTTP/1.0\r\nHost: a\r\n\r\n");
    expect(normalise(await client.untilClosed())).toBe(hello("close"));
    const kept = await RawClient.connect(old.port);
    for (let i = 0; i < 2; i++) {
      kept.write("GET /direct HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
      const answer = await kept.response();
      expect(normalise(answer)).toBe(hello("keep-alive"));
    }
    kept.destroy();
  });

  test("a body without length ends with the connection", async () => {
    const client = await RawClient.connect(old.port);
    client.write("GET /trailers HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    expect(normalise(await client.untilClosed())).toBe(
      "HTTP/1.0 200 OK\r\ndate: D\r\nx-envoy-upstream-service-time: N\r\nserver: envoy\r\nconnection: close\r\n\r\nx",
    );
  });
});

describe("requests that are none", () => {
  const reply = (status: string, body: string) =>
    `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\ncontent-type: text/plain\r\ndate: D\r\n` +
    `server: envoy\r\nconnection: close\r\n\r\n${body}`;
  const bare = (status: string, close = true) =>
    `HTTP/1.1 ${status}\r\ndate: D\r\nserver: envoy\r\n${close ? "connection: close\r\n" : ""}content-length: 0\r\n\r\n`;
  const long = "a".repeat(70_000);

  test.each([
    ["no version", "GET\r\n\r\n", reply("400 Bad Request", "Bad Request")],
    ["lower-case method", `get /x HTTP/1.1\r\n${HOST}\r\n`, reply("400 Bad Request", "Bad Request")],
    ["unknown method", `FOO /x HTTP/1.1\r\n${HOST}\r\n`, reply("400 Bad Request", "Bad Request")],
    [
      "length and chunked",
      `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
      reply("400 Bad Request", "Bad Request"),
    ],
    [
      "unknown transfer-encoding",
      `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      reply("501 Not Implemented", "Not Implemented"),
    ],
    ["HTTP/1.0", `GET /x HTTP/1.0\r\n${HOST}\r\n`, reply("426 Upgrade Required", "Upgrade Required")],
    [
      "headers too long",
      `GET /x HTTP/1.1\r\n${HOST}X: ${long}\r\n\r\n`,
      reply("431 Request Header Fields Too Large", "Request Header Fields Too Large"),
    ],
    [
      "too many headers",
      `GET /x HTTP/1.1\r\n${HOST}${"X: a\r\n".repeat(120)}\r\n`,
      reply("431 Request Header Fields Too Large", "Request Header Fields Too Large"),
    ],
    ["no host", "GET /x HTTP/1.1\r\n\r\n", bare("400 Bad Request")],
    ["a path for a host", `GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n`, reply("400 Bad Request", "Bad Request")],
    [
      "security headers nominated away",
      `GET /x HTTP/1.1\r\n${HOST}Connection: x-forwarded-for\r\n\r\n`,
      reply("400 Bad Request", "Bad Request"),
    ],
    ["host nominated away", `GET /x HTTP/1.1\r\n${HOST}Connection: host\r\n\r\n`, bare("400 Bad Request")],
    [
      "broken chunks",
      `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      reply("400 Bad Request", "Bad Request"),
    ],
    ["HTTP/1.2", `GET /x HTTP/1.2\r\n${HOST}\r\n`, reply("426 Upgrade Required", "Upgrade Required")],
    [
      "a target of another scheme",
      `GET ftp://x/ HTTP/1.1\r\n${HOST}\r\n`,
      reply("400 Bad Request", "Bad Request"),
    ],
    ["a target without path", `GET http://x?q HTTP/1.1\r\n${HOST}\r\n`, bare("404 Not Found", false)],
    ["fragment", `GET /x#f HTTP/1.1\r\n${HOST}\r\n`, bare("400 Bad Request")],
    ["OPTIONS *", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, bare("404 Not Found", false)],
    ["CONNECT", `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`, bare("404 Not Found")],
    [
      "upgrade",
      `GET /x HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      bare("403 Forbidden"),
    ],
  ])("%s", async (_, request, expected) => {
    expect(await exchange(started.port, request)).toBe(expected);
  });

  test.each([
    ["GET\r\n\r\n", "http1.codec_error"],
    [`GET /x HTTP/1.0\r\n${HOST}\r\n`, "low_version"],
    [`GET /x HTTP/1.1\r\n${HOST}X: ${long}\r\n\r\n`, "http1.headers_too_large"],
    [`GET /x HTTP/1.1\r\n${HOST}${"X: a\r\n".repeat(120)}\r\n`, "http1.too_many_headers"],
    [
      `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`,
      "http1.invalid_transfer_encoding",
    ],
    [`GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n`, "http.invalid_authority"],
    [`GET ftp://x/ HTTP/1.1\r\n${HOST}\r\n`, "http1.invalid_scheme"],
    [`GET /x HTTP/1.1\r\n${HOST}Connection: x-forwarded-for\r\n\r\n`, "http1.connection_header_rejected"],
    [`CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`, "route_not_found"],
  ])("%# is still logged once, as %s", async (request, details) => {
    const { chains } = started;
    const before = chains.started;
    await exchange(started.port, request);
    await chains.finished(before + 1);
    expect(chains.details.slice(before)).toEqual([details]);
    const flag =
      details === "route_not_found" ? ResponseFlag.NoRouteFound : ResponseFlag.DownstreamProtocolError;
    expect(chains.flags.at(-1)).toBe(flag);
  });

  test("every stream ended exactly once", async () => {
    await started.chains.finished(started.chains.started);
    expect(started.chains.finishes.every((n) => n === 1)).toBe(true);
  });
});
