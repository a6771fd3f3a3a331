import { expect } from "vitest";
import type { Json } from "../support/bootstrap";
import { conformance } from "../support/conformance";
import { REQUEST_WITH_TRAILERS, TRAILERS_SETUP } from "./trailers-setup";

const direct = (match: Json, status: number, more: Json = {}): Json => ({
  match,
  direct_response: { status },
  ...more,
});

conformance("Routing", ({ behaviour }) => {
  behaviour(
    "prefix, path and regex: the first route that matches wins",
    {
      routes: () => [
        direct({ path: "/exact" }, 211),
        direct({ safe_regex: { regex: "/re/[0-9]+" } }, 212),
        direct({ prefix: "/pre" }, 213),
        direct({ prefix: "/" }, 214),
      ],
    },
    async (b) => {
      const status = async (path: string) => (await b.exchange({ path })).status;
      expect(await status("/exact")).toBe(211);
      expect(await status("/exact?q=1")).toBe(211);
      expect(await status("/exact/more")).toBe(214);
      expect(await status("/re/12")).toBe(212);
      expect(await status("/re/12x")).toBe(214);
      expect(await status("/prefixed")).toBe(213);
    },
  );

  behaviour(
    "headers: exact, prefix, present, absent, inverted, range",
    {
      routes: () => [
        direct({ prefix: "/", headers: [{ name: "x-a", string_match: { exact: "1" } }] }, 211),
        direct({ prefix: "/", headers: [{ name: "x-a", string_match: { prefix: "pre" } }] }, 212),
        direct({ prefix: "/", headers: [{ name: "x-p", present_match: true }] }, 213),
        direct({ prefix: "/", headers: [{ name: "x-n", range_match: { start: 1, end: 10 } }] }, 214),
        direct(
          { prefix: "/", headers: [{ name: "x-i", string_match: { exact: "no" }, invert_match: true }] },
          215,
        ),
        direct({ prefix: "/" }, 216),
      ],
    },
    async (b) => {
      const status = async (name: string, value: string) =>
        (await b.exchange({ headers: [[name, value]] })).status;
      expect(await status("x-a", "1")).toBe(211);
      expect(await status("x-a", "prefix")).toBe(212);
      expect(await status("x-p", "")).toBe(213);
      expect(await status("x-n", "9")).toBe(214);
      expect(await status("x-n", "10")).toBe(216);
      expect(await status("x-i", "yes")).toBe(215);
      expect(await status("x-i", "no")).toBe(216);
    },
  );

  behaviour(
    "query parameters: exact and present",
    {
      routes: () => [
        direct({ prefix: "/", query_parameters: [{ name: "v", string_match: { exact: "2" } }] }, 211),
        direct({ prefix: "/", query_parameters: [{ name: "debug", present_match: true }] }, 212),
        direct({ prefix: "/" }, 213),
      ],
    },
    async (b) => {
      expect((await b.exchange({ path: "/?v=2" })).status).toBe(211);
      expect((await b.exchange({ path: "/?x=1&debug" })).status).toBe(212);
      expect((await b.exchange({ path: "/?v=3" })).status).toBe(213);
    },
  );

  behaviour(
    "virtual hosts: exact, suffix and prefix wildcards, case-insensitive",
    {
      manager: {
        route_config: {
          virtual_hosts: [
            { name: "exact", domains: ["a.example"], routes: [direct({ prefix: "/" }, 211)] },
            { name: "suffix", domains: ["*.a.example"], routes: [direct({ prefix: "/" }, 212)] },
            { name: "prefix", domains: ["a.*"], routes: [direct({ prefix: "/" }, 213)] },
          ],
        },
      },
    },
    async (b) => {
      const status = async (host: string) => (await b.exchange({ host })).status;
      expect(await status("A.Example")).toBe(211);
      expect(await status("b.a.example")).toBe(212);
      expect(await status("a.other")).toBe(213);
      expect(await status("none")).toBe(404);
    },
  );

  behaviour(
    "no route: 404 without a body",
    { routes: () => [direct({ prefix: "/only" }, 200)] },
    async (b) => {
      const response = await b.exchange({ path: "/other" });
      expect(response.status).toBe(404);
      expect(response.text).toBe("");
      expect(response.header("server")).toBe("envoy");
    },
  );

  behaviour(
    "direct response with a body",
    {
      routes: () => [
        { match: { prefix: "/" }, direct_response: { status: 203, body: { inline_string: "direct" } } },
      ],
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(203);
      expect(response.text).toBe("direct");
      expect(response.header("content-length")).toBe("6");
    },
  );

  behaviour(
    "redirect: host, path and status",
    {
      routes: () => [
        { match: { path: "/p" }, redirect: { path_redirect: "/new", response_code: "FOUND" } },
        { match: { prefix: "/" }, redirect: { host_redirect: "other.example", https_redirect: true } },
      ],
    },
    async (b) => {
      const path = await b.exchange({ path: "/p", host: "here.example" });
      expect(path.status).toBe(302);
      expect(path.header("location")).toBe("http://here.example/new");
      const host = await b.exchange({ path: "/q?x=1" });
      expect(host.status).toBe(301);
      expect(host.header("location")).toBe("https://other.example/q?x=1");
    },
  );

  behaviour(
    "prefix_rewrite changes the path, the old one is in x-envoy-original-path",
    { routes: (id) => [{ match: { prefix: "/api/" }, route: { cluster: id, prefix_rewrite: "/v1/" } }] },
    async (b) => {
      await b.exchange({ path: "/api/users?q=1" });
      const request = await b.upstream.request();
      expect(request.path).toBe("/v1/users?q=1");
      expect(request.header("x-envoy-original-path")).toBe("/api/users?q=1");
    },
  );

  behaviour(
    "host_rewrite_literal",
    {
      routes: (id) => [
        { match: { prefix: "/" }, route: { cluster: id, host_rewrite_literal: "inner.example" } },
      ],
    },
    async (b) => {
      await b.exchange({ host: "outer.example" });
      expect((await b.upstream.request()).header("host")).toBe("inner.example");
    },
  );

  behaviour(
    "headers to add and to remove, of route and virtual host, towards upstream and client",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: { cluster: id },
          request_headers_to_add: [{ header: { key: "x-route", value: "r" } }],
          request_headers_to_remove: ["x-secret"],
          response_headers_to_add: [
            { header: { key: "x-over", value: "new" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
            { header: { key: "x-absent", value: "new" }, append_action: "ADD_IF_ABSENT" },
          ],
          response_headers_to_remove: ["x-hide"],
        },
      ],
      virtualHost: { request_headers_to_add: [{ header: { key: "x-vhost", value: "v" } }] },
      upstream: (_, reply) =>
        reply.send({
          headers: [
            ["x-over", "old"],
            ["x-absent", "old"],
            ["x-hide", "1"],
          ],
        }),
    },
    async (b) => {
      const response = await b.exchange({ headers: [["x-secret", "1"]] });
      const request = await b.upstream.request();
      expect(request.header("x-route")).toBe("r");
      expect(request.header("x-vhost")).toBe("v");
      expect(request.header("x-secret")).toBeUndefined();
      expect(response.all("x-over")).toEqual(["new"]);
      expect(response.all("x-absent")).toEqual(["old"]);
      expect(response.header("x-hide")).toBeUndefined();
    },
  );
});

conformance("Proxying", ({ behaviour }) => {
  behaviour(
    "a header that a route overwrites stands behind the others",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: { cluster: id },
          request_headers_to_add: [
            { header: { key: "user-agent", value: "new" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
            { header: { key: "accept", value: "new" }, append_action: "OVERWRITE_IF_EXISTS" },
          ],
        },
      ],
    },
    async (b) => {
      await b.exchange({
        headers: [
          ["User-Agent", "old"],
          ["Accept", "old"],
          ["X-Last", "1"],
        ],
      });
      expect((await b.upstream.request()).headers.map(([name]) => name).slice(-2)).toEqual([
        "user-agent",
        "accept",
      ]);
    },
  );

  behaviour("what the upstream sees of a plain GET: names, values, order", {}, async (b) => {
    await b.exchange({
      path: "/x?y=z",
      host: "h.example",
      headers: [
        ["X-Second", "2"],
        ["Accept", "*/*"],
        ["X-First", "1"],
      ],
    });
    const { startLine, headers } = await b.upstream.request();
    expect(startLine).toBe("GET /x?y=z HTTP/1.1");
    expect(headers.map(([name, value]) => [name, name === "x-request-id" ? "ID" : value])).toEqual([
      ["host", "h.example"],
      ["x-second", "2"],
      ["accept", "*/*"],
      ["x-first", "1"],
      ["x-forwarded-proto", "http"],
      ["x-request-id", "ID"],
      ["x-envoy-expected-rq-timeout-ms", "15000"],
    ]);
  });

  behaviour(
    "what the client sees of a plain answer: names, values, order",
    {
      upstream: (_, reply) =>
        reply.send({
          headers: [
            ["X-Up", "1"],
            ["Content-Type", "text/plain"],
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
          ],
          body: "hello",
        }),
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.statusLine).toBe("HTTP/1.1 200 OK");
      const shown = response.headers.map(([name, value]) => [
        name,
        name === "date" || name === "x-envoy-upstream-service-time" ? "" : value,
      ]);
      expect(shown).toEqual([
        ["x-up", "1"],
        ["content-type", "text/plain"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["content-length", "5"],
        ["x-envoy-upstream-service-time", ""],
        ["date", ""],
        ["server", "envoy"],
      ]);
      expect(response.header("x-envoy-upstream-service-time")).toMatch(/^\d+$/);
    },
  );

  behaviour(
    "the upstream's server header is replaced, its date kept",
    {
      upstream: (_, reply) =>
        reply.send({
          headers: [
            ["Server", "mine"],
            ["Date", "Mon, 01 Jan 2024 00:00:00 GMT"],
          ],
        }),
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.all("server")).toEqual(["envoy"]);
      expect(response.all("date")).toEqual(["Mon, 01 Jan 2024 00:00:00 GMT"]);
    },
  );

  behaviour(
    "hop-by-hop headers do not pass",
    {
      upstream: (_, reply) =>
        reply.send({
          headers: [
            ["keep-alive", "timeout=5"],
            ["x-end", "1"],
          ],
        }),
    },
    async (b) => {
      const response = await b.exchange({
        headers: [
          ["connection", "keep-alive"],
          ["keep-alive", "timeout=5"],
          ["proxy-connection", "keep-alive"],
          ["te", "trailers"],
        ],
      });
      const request = await b.upstream.request();
      expect(request.header("keep-alive")).toBeUndefined();
      expect(request.header("proxy-connection")).toBeUndefined();
      expect(request.header("connection")).toBeUndefined();
      expect(response.header("keep-alive")).toBeUndefined();
      expect(response.header("x-end")).toBe("1");
    },
  );

  behaviour("a client's x-request-id is kept", {}, async (b) => {
    await b.exchange({ headers: [["x-request-id", "mine"]] });
    const id = (await b.upstream.request()).header("x-request-id");
    expect(id).toBe("mine");
  });

  behaviour(
    "HEAD: the length of the upstream's answer, no body, the connection stays usable",
    {
      upstream: (request, reply) =>
        reply.head(200, [["content-length", request.method === "HEAD" ? "123" : "0"]]),
    },
    async (b) => {
      const client = await b.connect();
      const response = await client.exchange({ method: "HEAD" });
      expect(response.header("content-length")).toBe("123");
      expect(response.text).toBe("");
      expect((await client.exchange({})).status).toBe(200);
      client.close();
    },
  );

  behaviour(
    "204 and 304 have no body and no made-up length",
    { upstream: (request, reply) => reply.send({ status: request.path === "/204" ? 204 : 304 }) },
    async (b) => {
      const client = await b.connect();
      for (const path of ["/204", "/304"]) {
        const response = await client.exchange({ path });
        expect(response.status).toBe(Number(path.slice(1)));
        expect(response.header("content-length")).toBeUndefined();
        expect(response.header("transfer-encoding")).toBeUndefined();
      }
      client.close();
    },
  );

  behaviour(
    "bodies with content-length and chunked both ways",
    {
      upstream: async (request, reply) => {
        const { body } = await request.message;
        if (request.path === "/chunked") reply.send({ chunked: [body] });
        else reply.send({ body });
      },
    },
    async (b) => {
      const counted = await b.exchange({ method: "POST", path: "/counted", body: "counted body" });
      expect(counted.text).toBe("counted body");
      expect(counted.header("content-length")).toBe("12");
      const chunked = await b.exchange({ method: "POST", path: "/chunked", chunked: ["one", "two"] });
      expect(chunked.text).toBe("onetwo");
      expect(chunked.header("transfer-encoding")).toBe("chunked");
      expect((await b.upstream.request(0)).header("content-length")).toBe("12");
      expect((await b.upstream.request(1)).header("transfer-encoding")).toBe("chunked");
    },
  );

  behaviour(
    "an answer that ends with the connection is passed on chunked",
    {
      upstream: (_, reply) => {
        reply.head(200, [["connection", "close"]]);
        reply.raw("until the end");
        reply.socket.end();
      },
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.text).toBe("until the end");
      expect(response.header("transfer-encoding")).toBe("chunked");
      expect(response.complete).toBe(true);
    },
  );

  behaviour("trailers pass both ways when they are enabled", TRAILERS_SETUP, async (b) => {
    const response = await b.exchange(REQUEST_WITH_TRAILERS);
    expect(response.trailers).toEqual([["x-response-trailer", "r"]]);
    expect((await (await b.upstream.request()).message).trailers).toEqual([["x-request-trailer", "q"]]);
  });

  behaviour("expect: 100-continue is answered by the proxy before the body", {}, async (b) => {
    const client = await b.connect();
    client.write("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    expect((await client.head()).startLine).toBe("HTTP/1.1 100 Continue");
    client.write("body");
    expect((await client.response()).status).toBe(200);
    const request = await b.upstream.request();
    expect(await request.body()).toBe("body");
    expect(request.header("expect")).toBeUndefined();
    client.close();
  });

  behaviour("connections to the upstream are kept and used again", {}, async (b) => {
    await b.exchange();
    await b.exchange();
    await b.exchange();
    expect(b.upstream.connections).toBe(1);
  });

  behaviour("several requests on one client connection", {}, async (b) => {
    const client = await b.connect();
    for (let i = 0; i < 5; i++) expect((await client.exchange({ path: `/${i}` })).text).toBe("ok");
    expect(b.upstream.requests.map((request) => request.path)).toEqual(["/0", "/1", "/2", "/3", "/4"]);
    client.close();
  });

  behaviour(
    "pipelined requests are answered in order",
    {
      upstream: (request, reply) => reply.send({ body: request.path }),
    },
    async (b) => {
      const client = await b.connect();
      client.send({ path: "/first" });
      client.send({ path: "/second" });
      expect((await client.response()).text).toBe("/first");
      expect((await client.response()).text).toBe("/second");
      client.close();
    },
  );

  behaviour("connection: close from the client is answered in kind", {}, async (b) => {
    const client = await b.connect();
    const response = await client.exchange({ headers: [["connection", "close"]] });
    expect(response.header("connection")).toBe("close");
    await client.closed;
  });
});

conformance("Failures of the upstream", ({ behaviour }) => {
  const PREFIX = "upstream connect error or disconnect/reset before headers. reset reason: ";

  behaviour("a refused connection: 503 and its text", { dead: true }, async (b) => {
    const response = await b.exchange();
    expect(response.status).toBe(503);
    expect(response.text).toMatch(`${PREFIX}remote connection failure`);
    expect(response.header("content-type")).toBe("text/plain");
  });

  behaviour(
    "a cluster without hosts: 503 no healthy upstream",
    { routes: () => [{ match: { prefix: "/" }, route: { cluster: "empty" } }] },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(503);
      expect(response.text).toBe("no healthy upstream");
    },
  );

  behaviour(
    "closed before the response: 503 connection termination",
    { upstream: (_, reply) => reply.abort() },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(503);
      expect(response.text).toBe(`${PREFIX}connection termination`);
    },
  );

  behaviour(
    "an answer that is no HTTP: 502 protocol error",
    { upstream: (_, reply) => reply.raw("NONSENSE\r\n\r\n") },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(502);
      expect(response.text).toBe(`${PREFIX}protocol error`);
    },
  );

  behaviour(
    "killed in the middle of its body: the client is cut off",
    {
      upstream: (_, reply) => {
        reply.head(200, [["transfer-encoding", "chunked"]]);
        reply.chunk("part");
        setImmediate(() => reply.abort());
      },
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.complete).toBe(false);
    },
  );

  behaviour(
    "no answer within the route's timeout: 504",
    {
      routes: (id) => [{ match: { prefix: "/" }, route: { cluster: id, timeout: "0.1s" } }],
      upstream: () => {},
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(504);
      expect(response.text).toBe("upstream request timeout");
      expect((await b.upstream.request()).header("x-envoy-expected-rq-timeout-ms")).toBe("100");
    },
  );

  behaviour(
    "a response that takes longer than the timeout is cut",
    {
      routes: (id) => [{ match: { prefix: "/" }, route: { cluster: id, timeout: "0.1s" } }],
      upstream: (_, reply) => {
        reply.head(200, [["transfer-encoding", "chunked"]]);
        reply.chunk("part");
      },
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(200);
      expect(response.complete).toBe(false);
    },
  );

  behaviour("to a gRPC request they are grpc-status 14", { dead: true }, async (b) => {
    const response = await b.exchange({ method: "POST", headers: [["content-type", "application/grpc"]] });
    expect(response.status).toBe(200);
    expect(response.header("grpc-status")).toBe("14");
    expect(response.header("content-length")).toBe("0");
  });

  behaviour(
    "an early answer while the request body is still coming",
    { upstream: (_, reply) => reply.send({ status: 413, headers: [["connection", "close"]] }) },
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nstart");
      expect((await client.response()).status).toBe(413);
      client.close();
    },
  );

  behaviour(
    "a failure passes the filters' response callbacks, which may replace it",
    { dead: true, script: "on response_headers\n s = get 2 :status\n replace 2 :status 599" },
    async (b) => {
      expect((await b.exchange()).status).toBe(599);
      expect(await b.logged("s")).toBe("0 503");
    },
  );
});

conformance("Malformed requests", ({ behaviour }) => {
  const CASES: [name: string, bytes: string, status: number][] = [
    ["a lower-case method", "get / HTTP/1.1\r\nhost: a\r\n\r\n", 400],
    ["no host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["a space before the colon", "GET / HTTP/1.1\r\nhost: a\r\nx-a : 1\r\n\r\n", 400],
    [
      "two different content-lengths",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
      400,
    ],
    [
      "content-length with transfer-encoding",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["an unknown transfer-encoding", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", 501],
    ["HTTP/1.0", "GET / HTTP/1.0\r\nhost: a\r\n\r\n", 426],
    ["a fragment in the path", "GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n", 400],
    [
      "an upgrade that is not configured",
      "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
      403,
    ],
  ];

  for (const [name, bytes, status] of CASES)
    behaviour(`${name}: ${status} and the connection is closed`, {}, async (b) => {
      const client = await b.connect();
      client.write(bytes);
      expect((await client.response()).status).toBe(status);
      await client.closed;
      expect(b.upstream.requests).toHaveLength(0);
    });
});
