import { expect } from "vitest";
import { conformance } from "../../support/conformance";
import { H2Client, h2Exchange } from "../../support/h2-client";
import { Flag, FrameClient, FrameType, frame } from "../../support/h2-frames";
import type { RawHeaders } from "../../support/http-message";
import { ends, GET, HTTP2, MALFORMED, oneRequest, POST, resetCode } from "./support";

const INTERNAL_ERROR = 2;
const LOG = "on log\n d = prop response code_details\n f = prop-int response flags";
const rst = (code: number) => frame(FrameType.RstStream, 0, 1, Buffer.from([0, 0, 0, code]));

conformance("HTTP/2 endings", ({ behaviour }) => {
  for (const [code, details] of [
    [8, "http2.remote_reset"],
    [0, "http2.remote_reset"],
    [7, "http2.remote_refuse"],
  ] as const)
    behaviour(
      `a client's RST_STREAM ${code} in the middle of the request ends the stream: log, done, delete`,
      { ...HTTP2, script: `trace\n${LOG}`, upstream: () => {} },
      async (b) => {
        const client = await FrameClient.connect(b.port);
        client.headers(1, POST, false);
        await b.upstream.request();
        client.send(rst(code));
        await b.message((m) => m.startsWith("> delete 2"));
        expect(await b.logged("d")).toBe(`0 ${details}`);
        expect(await b.logged("f")).toBe(`0 ${2 ** 28}`);
        expect((await b.callbacks()).slice(-4)).toEqual(["request_headers", "log", "done", "delete"]);
        client.headers(3, POST, false);
        await b.upstream.request(1);
        client.close();
      },
    );

  behaviour(
    "a client that goes ends all its streams",
    { ...HTTP2, script: LOG, upstream: () => {} },
    async (b) => {
      const client = await FrameClient.connect(b.port);
      for (const stream of [1, 3, 5]) client.headers(stream, GET);
      await b.upstream.request(2);
      client.close();
      await b.message(
        () => b.proxy.log.lines.filter(({ message }) => message.includes(` ${b.id}: f=`)).length === 3,
      );
      expect(await b.allLogged("d")).toEqual(Array(3).fill("0 downstream_remote_disconnect"));
      expect(await b.allLogged("f")).toEqual(Array(3).fill("0 16384"));
    },
  );

  for (const how of ["an end", "a reset"])
    behaviour(
      `${how} of the upstream's connection inside a body resets the stream, not the connection`,
      {
        ...HTTP2,
        script: LOG,
        upstream: (request, reply) => {
          if (request.path === "/ok") return reply.send({ body: "ok" });
          reply.head(200, [["content-length", "100"]]);
          reply.raw("abc");
          // The part has to pass the proxy first, and nothing here tells when it has.
          setTimeout(() => (how === "an end" ? reply.socket.end() : reply.abort()), 20);
        },
      },
      async (b) => {
        const client = await H2Client.connect(b.port);
        const response = await client.request();
        expect([response.status, response.text, response.reset]).toEqual([200, "abc", INTERNAL_ERROR]);
        expect((await client.request({ path: "/ok" })).text).toBe("ok");
        client.close();
      },
    );

  behaviour(
    "close_stream(0) resets the stream, others go on",
    {
      ...HTTP2,
      script: `on request_headers\n p = get 0 :path\n when $p /close : close 0\n when $p /close : return 1\n${LOG}`,
    },
    async (b) => {
      const client = await H2Client.connect(b.port);
      const cut = await client.request({ path: "/close" });
      expect([cut.status, cut.reset]).toEqual([0, INTERNAL_ERROR]);
      expect(await b.logged("d")).toBe("0 wasm_close_stream");
      expect(await b.logged("f")).toBe("0 0");
      expect((await client.request()).text).toBe("ok");
      expect(client.goaways).toEqual([]);
      client.close();
    },
  );

  behaviour(
    "close_stream(1) with headers on their way resets behind them",
    { ...HTTP2, script: `on response_body\n close 1\n return 1\n${LOG}` },
    async (b) => {
      const response = await h2Exchange(b.port);
      expect([response.status, response.text, response.reset]).toEqual([200, "", INTERNAL_ERROR]);
      expect(await b.logged("d")).toBe("0 via_upstream");
    },
  );

  behaviour(
    "a local reply after the headers is a reset",
    { ...HTTP2, script: `on response_body\n reply 500 why no -1\n return 1\n${LOG}` },
    async (b) => {
      const response = await h2Exchange(b.port);
      expect([response.status, response.reset]).toEqual([200, INTERNAL_ERROR]);
      expect(await b.logged("d")).toBe("0 why");
    },
  );

  behaviour(
    "a trap after the headers is a reset",
    { ...HTTP2, script: "on response_body\n trap" },
    async (b) => {
      const response = await h2Exchange(b.port);
      expect([response.status, response.reset]).toEqual([200, INTERNAL_ERROR]);
    },
  );

  behaviour(
    "a local reply",
    { ...HTTP2, script: "on request_headers\n reply 403 why no -1 x-y z\n return 1" },
    async (b) => {
      const response = await h2Exchange(b.port);
      expect(response.headers.map(([name]) => name)).toEqual([
        ":status",
        "x-y",
        "content-length",
        "content-type",
        "date",
        "server",
      ]);
      expect([response.status, response.text, response.reset]).toEqual([403, "no", undefined]);
    },
  );

  behaviour(
    "a local reply to HEAD",
    { ...HTTP2, script: "on request_headers\n reply 403 why no -1\n return 1" },
    async (b) => {
      const response = await h2Exchange(b.port, { method: "HEAD" });
      expect([response.status, response.text, response.header("content-length")]).toEqual([403, "", "2"]);
    },
  );

  behaviour(
    "a local reply to a gRPC request is trailers only",
    { ...HTTP2, script: "on request_headers\n reply 403 why no%20way 5 x-y z\n return 1" },
    async (b) => {
      const response = await h2Exchange(b.port, {
        method: "POST",
        headers: [
          ["content-type", "application/grpc"],
          ["te", "trailers"],
        ],
        body: "abc",
      });
      expect(response.headers.slice(0, -2)).toEqual([
        [":status", "200"],
        ["x-y", "z"],
        ["content-type", "application/grpc"],
        ["grpc-status", "5"],
        ["grpc-message", "no way"],
      ]);
      expect([response.text, response.trailers]).toEqual(["", []]);
    },
  );

  for (const [what, body] of [
    ["with a body", "no"],
    ["without a body", "''"],
  ])
    behaviour(
      `a reply ${what} before the request is complete: the whole reply, then RST_STREAM NO_ERROR`,
      { ...HTTP2, script: `on request_headers\n reply 403 why ${body} -1\n return 1` },
      async (b) => {
        const client = await FrameClient.connect(b.port);
        client.headers(1, POST, false);
        await client.until((f) => f.type === FrameType.RstStream);
        const frames = client.of(1);
        expect(resetCode(frames)).toBe(0);
        expect(frames.at(-2)!.flags & Flag.EndStream).toBe(Flag.EndStream);
        client.headers(3, POST, true);
        expect((await client.until((f) => ends(f, 3)))?.type).not.toBe(FrameType.RstStream);
        client.close();
      },
    );

  behaviour(
    "an upstream that answers before the request is complete: as above",
    { ...HTTP2, upstream: (_, reply) => reply.send({ body: "early" }) },
    async (b) => {
      const client = await FrameClient.connect(b.port);
      client.headers(1, POST, false);
      await client.until((f) => f.type === FrameType.RstStream);
      const frames = client.of(1);
      expect(resetCode(frames)).toBe(0);
      expect(frames.some((f) => f.type === FrameType.Data && (f.flags & Flag.EndStream) !== 0)).toBe(true);
      client.close();
    },
  );

  behaviour(
    "a 400 leaves the connection usable",
    { ...HTTP2, script: "on request_headers\n reply 400 why no -1\n return 1" },
    async (b) => {
      const client = await H2Client.connect(b.port);
      expect((await client.request()).status).toBe(400);
      expect((await client.request()).status).toBe(400);
      expect(client.goaways).toEqual([]);
      client.close();
    },
  );

  behaviour(
    "a response that a filter leaves without :status",
    { ...HTTP2, script: `on response_headers\n remove 2 :status\n${LOG}` },
    async (b) => {
      const response = await h2Exchange(b.port);
      expect([response.status, response.text]).toEqual([502, "missing required header: :status"]);
      expect(await b.logged("d")).toBe(
        "0 filter_removed_required_response_headers{missing_required_header:_:status}",
      );
    },
  );

  behaviour("a dead upstream", { ...HTTP2, dead: true }, async (b) => {
    const response = await h2Exchange(b.port);
    expect([response.status, response.reset]).toEqual([503, undefined]);
    expect(response.text).toMatch(/^upstream connect error/);
  });

  for (const [what, path, method, status, details] of [
    ["OPTIONS *", "*", "OPTIONS", 404, "absolute_path_rejected"],
    ["a fragment", "/a#b", "GET", 400, "path_normalization_failed"],
  ] as const)
    behaviour(`${what}: ${status}, only logged`, { ...HTTP2, script: `trace\n${LOG}` }, async (b) => {
      expect((await h2Exchange(b.port, { path, method })).status).toBe(status);
      expect(await b.logged("d")).toBe(`0 ${details}`);
      expect(await b.callbacks()).not.toContain("request_headers");
    });

  behaviour(
    "CONNECT has no route, and no path",
    { ...HTTP2, script: `on request_headers\n p = pairs 0\n${LOG}` },
    async (b) => {
      const response = await h2Exchange(b.port, {
        pseudo: [
          [":method", "CONNECT"],
          [":authority", "a:80"],
        ],
      });
      expect(response.status).toBe(404);
      expect(await b.logged("p")).toMatch(/^0 :method=CONNECT\|:authority=a:80\|:scheme=http\|/);
      expect(await b.logged("d")).toBe("0 route_not_found");
    },
  );

  for (const [what, headers] of Object.entries({
    "more than 60 KiB of headers": [["x-big", "x".repeat(61_500)]] as RawHeaders,
    "more than 100 headers": Array.from({ length: 97 }, (_, i): [string, string] => [`x-${i}`, "1"]),
  }))
    behaviour(
      `${what}: RST_STREAM INTERNAL_ERROR, no filter sees it`,
      { ...HTTP2, script: "trace" },
      async (b) => {
        const client = await H2Client.connect(b.port);
        expect(await client.request({ headers })).toMatchObject({ status: 0, reset: INTERNAL_ERROR });
        expect((await client.request()).status).toBe(200);
        expect((await b.callbacks()).filter((name) => name === "log")).toHaveLength(1);
        client.close();
      },
    );

  behaviour("60 KB of headers, or 100 of them, are served", HTTP2, async (b) => {
    const client = await H2Client.connect(b.port);
    const many = Array.from({ length: 96 }, (_, i): [string, string] => [`x-${i}`, "1"]);
    expect((await client.request({ headers: [["x-big", "x".repeat(60_000)]] })).status).toBe(200);
    expect((await client.request({ headers: many })).status).toBe(200);
    client.close();
  });

  for (const [what, headers] of Object.entries(MALFORMED))
    behaviour(
      `malformed, no filter sees it: ${what}`,
      { ...HTTP2, script: "trace", vmId: "malformed" },
      async (b) => {
        const frames = await oneRequest(b, headers);
        expect(frames.filter(({ type }) => type !== FrameType.RstStream)).toEqual([]);
        expect(await b.callbacks()).not.toContain("request_headers");
        expect(b.upstream.requests).toEqual([]);
      },
    );

  behaviour(
    "a body other than its content-length ends the stream",
    { ...HTTP2, script: `trace\n${LOG}` },
    async (b) => {
      const client = await FrameClient.connect(b.port);
      client.headers(1, [...POST, ["content-length", "3"]], false);
      client.send(frame(FrameType.Data, Flag.EndStream, 1, Buffer.from("ab")));
      await client.until((f) => ends(f, 1));
      expect(resetCode(client.of(1))).toBe(1);
      expect(await b.logged("d")).toBe("0 http2.remote_reset");
      expect(await b.logged("f")).toBe(`0 ${2 ** 18}`);
      expect(await b.callbacks()).not.toContain("response_headers");
      client.close();
    },
  );

  behaviour("HTTP/1.1 where HTTP/2 is spoken ends the connection", HTTP2, async (b) => {
    const client = await b.connect();
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await client.closed;
    expect(b.upstream.requests).toEqual([]);
  });

  behaviour(
    "an HTTP/2 preface where HTTP/1.1 is spoken: no request",
    { manager: { codec_type: "HTTP1" } },
    async (b) => {
      const client = await b.connect();
      client.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      await client.closed;
      expect(b.upstream.requests).toEqual([]);
    },
  );
});
