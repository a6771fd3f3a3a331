import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { Flag, type Frame, FrameClient, FrameType, frame } from "../../support/h2-frames";
import type { RawHeaders } from "../../support/http-message";
import { RawUpstream } from "../../support/raw-upstream";
import { ends } from "./support";

/**
 * What HTTP/2 can carry and HTTP/1.1 cannot: line ends, blanks and second framings in requests that go on to an HTTP/1.1
 * upstream. Either proxy serves it, and the upstream sees the same single request, or refuses it.
 */

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/** Pseudo-headers in place of the usual ones, then headers. */
const request = (pseudo: Readonly<Record<string, string>>, ...headers: RawHeaders): RawHeaders => [
  ...Object.entries({ ":method": "GET", ":scheme": "http", ":authority": "a", ":path": "/", ...pseudo }),
  ...headers,
];

const CASES: Readonly<Record<string, { headers: RawHeaders; body?: string }>> = {
  plain: { headers: request({}, ["x-a", "1"]) },
  "path: CRLF": { headers: request({ ":path": "/ HTTP/1.1\r\nX-A: 1" }) },
  "path: CRLF and a request": { headers: request({ ":path": `/ HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}` }) },
  "path: LF": { headers: request({ ":path": "/a\nX-A: 1" }) },
  "path: blank": { headers: request({ ":path": "/a HTTP/1.1" }) },
  "path: tab": { headers: request({ ":path": "/a\tb" }) },
  "path: NUL": { headers: request({ ":path": "/a\0b" }) },
  "path: high byte": { headers: request({ ":path": "/a\xe9" }) },
  "path: DEL": { headers: request({ ":path": "/a\x7f" }) },
  "path: fragment": { headers: request({ ":path": "/a#b" }) },
  "path: no slash": { headers: request({ ":path": "a" }) },
  "path: empty": { headers: request({ ":path": "" }) },
  "path: star": { headers: request({ ":path": "*" }) },
  "path: star of OPTIONS": { headers: request({ ":method": "OPTIONS", ":path": "*" }) },
  "path: backslash": { headers: request({ ":path": "/a\\b" }) },
  "method: a whole request": {
    headers: request({ ":method": "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\nGET" }),
  },
  "method: blank": { headers: request({ ":method": "GET /x" }) },
  "method: empty": { headers: request({ ":method": "" }) },
  "method: small letters": { headers: request({ ":method": "get" }) },
  "method: unknown": { headers: request({ ":method": "FOO" }) },
  "method: colon": { headers: request({ ":method": "A:B" }) },
  "scheme: CRLF": { headers: request({ ":scheme": "http\r\nX-A: 1" }) },
  "scheme: a URL": { headers: request({ ":scheme": "http://b/?" }) },
  "scheme: ftp": { headers: request({ ":scheme": "ftp" }) },
  "scheme: empty": { headers: request({ ":scheme": "" }) },
  "authority: CRLF": { headers: request({ ":authority": "a\r\nX-A: 1" }) },
  "authority: blank": { headers: request({ ":authority": "a b" }) },
  "authority: slash": { headers: request({ ":authority": "a/b" }) },
  "authority: user": { headers: request({ ":authority": "u@a" }) },
  "authority and another host": { headers: request({}, ["host", "b"]) },
  "host twice": { headers: request({}, ["host", "b"], ["host", "c"]) },
  "value: CRLF": { headers: request({}, ["x-a", "1\r\nX-B: 2"]) },
  "value: CRLF and a request": { headers: request({}, ["x-a", `1\r\n\r\n${SMUGGLED}`]) },
  "value: LF": { headers: request({}, ["x-a", "1\nx-b: 2"]) },
  "value: CR": { headers: request({}, ["x-a", "1\rx-b: 2"]) },
  "value: NUL": { headers: request({}, ["x-a", "1\x002"]) },
  "value: control character": { headers: request({}, ["x-a", "1\x012"]) },
  "value: tab": { headers: request({}, ["x-a", "1\t2"]) },
  "value: high bytes": { headers: request({}, ["x-a", "\x80\xff"]) },
  "value: blanks around": { headers: request({}, ["x-a", "  1  "]) },
  "name: CRLF": { headers: request({}, ["x-a: 1\r\nx-b", "2"]) },
  "name: colon": { headers: request({}, ["x-a: 1", "2"]) },
  "name: blank": { headers: request({}, ["x a", "1"]) },
  "name: empty": { headers: request({}, ["", "1"]) },
  "name: capital": { headers: request({}, ["X-A", "1"]) },
  "name: high byte": { headers: request({}, ["x-\xe9", "1"]) },
  "name: NUL": { headers: request({}, ["x\0a", "1"]) },
  "transfer-encoding: chunked": {
    headers: request({ ":method": "POST" }, ["transfer-encoding", "chunked"]),
    body: `0\r\n\r\n${SMUGGLED}`,
  },
  "transfer-encoding with a blank": {
    headers: request({ ":method": "POST" }, ["transfer-encoding ", "chunked"]),
    body: `0\r\n\r\n${SMUGGLED}`,
  },
  transfer_encoding: {
    headers: request({ ":method": "POST" }, ["transfer_encoding", "chunked"]),
    body: "0\r\n\r\n",
  },
  "length too short": { headers: request({ ":method": "POST" }, ["content-length", "0"]), body: SMUGGLED },
  "length too long": { headers: request({ ":method": "POST" }, ["content-length", "100"]), body: "abc" },
  "length twice": {
    headers: request({ ":method": "POST" }, ["content-length", "3"], ["content-length", "3"]),
    body: "abc",
  },
  "length: two values": {
    headers: request({ ":method": "POST" }, ["content-length", "3"], ["content-length", "0"]),
    body: "abc",
  },
  "length: list": { headers: request({ ":method": "POST" }, ["content-length", "3, 3"]), body: "abc" },
  "length: plus": { headers: request({ ":method": "POST" }, ["content-length", "+3"]), body: "abc" },
  "length: of a GET": { headers: request({}, ["content-length", "3"]), body: "abc" },
  "a GET with a body": { headers: request({}), body: SMUGGLED },
  connection: { headers: request({}, ["connection", "x-a"], ["x-a", "1"]) },
  "proxy-connection": { headers: request({}, ["proxy-connection", "close"]) },
  "keep-alive": { headers: request({}, ["keep-alive", "1"]) },
  upgrade: { headers: request({}, ["upgrade", "websocket"]) },
  "http2-settings": { headers: request({}, ["http2-settings", "AA"]) },
  "te: trailers": { headers: request({}, ["te", "trailers"]) },
  "te: chunked": { headers: request({}, ["te", "chunked"]) },
  expect: { headers: request({ ":method": "POST" }, ["expect", "100-continue"]), body: "abc" },
};

/** Headers with bytes that none may have: node:http2 leaves them out without a word, and what is left is served. */
const LEFT_OUT =
  /^(value: (CR|LF|NUL|control)|name: (CRLF|colon|blank|empty|high|NUL)|transfer-encoding with a blank)/;

/** Refused by both; Envoy has let the upstream see the head, and a whole request in it. */
const STRICTER: ReadonlySet<string> = new Set(["length too short"]);

const ENGINES = ["node", "envoy"] as const;

interface Outcome {
  /** A status, or that the stream or the whole connection was ended. */
  answer: string;
  upstream: string[];
}

describe.skipIf(inject("envoy") === undefined)("HTTP/2 requests to an HTTP/1.1 upstream", () => {
  const engines = { node: new EngineUnderTest("node"), envoy: new EngineUnderTest("envoy") };
  const proxies = {} as Record<"node" | "envoy", ProxyUnderTest>;
  const upstreams = {} as Record<"node" | "envoy", RawUpstream>;

  beforeAll(async () => {
    for (const name of ENGINES) {
      const upstream = await RawUpstream.start();
      upstreams[name] = upstream;
      const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
      const listeners = [
        build.httpListener({
          name: "main",
          routes,
          manager: { codec_type: "HTTP2", delayed_close_timeout: "0.02s" },
        }),
      ];
      const clusters = [build.cluster("app", upstream.port)];
      proxies[name] = await engines[name].start({ static_resources: { listeners, clusters } });
    }
  });

  afterAll(async () => {
    for (const name of ENGINES) {
      await engines[name].cleanUp();
      await upstreams[name].close();
    }
  });

  async function send(
    name: "node" | "envoy",
    headers: RawHeaders,
    body: string | undefined,
  ): Promise<Outcome> {
    const { requests } = upstreams[name];
    const before = requests.length;
    const client = await FrameClient.connect(proxies[name].port());
    client.headers(1, headers, body === undefined);
    if (body !== undefined)
      client.send(frame(FrameType.Data, Flag.EndStream, 1, Buffer.from(body, "latin1")));
    const end = await client.until((one) => ends(one, 1));
    client.close();
    // Nothing of it comes later: this goes the same way behind it.
    const next = await FrameClient.connect(proxies[name].port());
    next.headers(1, request({ ":path": "/next" }));
    await next.until((one) => ends(one, 1));
    next.close();
    const seen = requests.slice(before).filter(({ path }) => path !== "/next");
    const whole = await Promise.all(seen.map(async (one) => ({ one, message: await one.message })));
    return {
      answer: end === undefined || end.type === FrameType.RstStream ? "refused" : statusOf(client.of(1)),
      upstream: whole
        .filter(({ message }) => message.complete)
        .map(({ one, message }) => {
          const lines = one.headers.filter(([key]) => key !== "x-request-id");
          return [
            one.startLine,
            ...lines.map(([key, value]) => `${key}: ${value}`),
            message.body.toString("latin1"),
          ].join("\n");
        }),
    };
  }

  test.each(Object.keys(CASES))("%s", async (name) => {
    const { headers, body } = CASES[name]!;
    const [node, envoy] = await Promise.all(ENGINES.map((engine) => send(engine, headers, body)));
    if (LEFT_OUT.test(name)) {
      expect(envoy).toEqual({ answer: "refused", upstream: [] });
      const without = await send("node", headers.slice(0, 4), body);
      expect(node).toEqual(without);
    } else if (STRICTER.has(name)) {
      expect(node).toEqual({ answer: "refused", upstream: [] });
      expect(envoy!.answer).toBe("refused");
      expect(envoy!.upstream).toHaveLength(1);
    } else expect(node).toEqual(envoy);
  });
});

/** The status in the first HEADERS, as far as plain HPACK tells it: indexed, or a literal behind an indexed name. */
function statusOf(frames: readonly Frame[]): string {
  const INDEXED: Readonly<Record<number, string>> = {
    136: "200",
    137: "204",
    138: "206",
    139: "304",
    140: "400",
    141: "404",
    142: "500",
  };
  const { payload } = frames.find(({ type }) => type === FrameType.Headers)!;
  const indexed = INDEXED[payload[0]!];
  return indexed ?? `literal ${payload.subarray(0, 6).toString("hex")}`;
}
