import { expect } from "vitest";
import { CLUSTER_TRAILERS } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";
import { H2Client, h2Exchange } from "../../support/h2-client";
import { GET, HTTP2, NO_AUTHORITY, oneRequest } from "./support";

/** `size end-of-stream` of every body callback of one direction. */
async function bodies(b: Behaviour, direction: "request" | "response"): Promise<string[]> {
  return (await b.messages())
    .filter((m) => m.startsWith(`> ${direction}_body`))
    .map((m) => m.split(" ").slice(3).join(" "));
}

const PAIRS = "on request_headers\n p = pairs 0";

/** What the guest saw of the request, the generated id left out. */
async function pairs(b: Behaviour): Promise<string> {
  return (await b.logged("p")).replace(/\|x-request-id=[^|]*/, "");
}

conformance("HTTP/2 messages", ({ behaviour }) => {
  behaviour(
    "AUTO speaks HTTP/2 and HTTP/1.1 on one port",
    { script: "on request_headers\n v = prop request protocol" },
    async (b) => {
      expect((await h2Exchange(b.port)).status).toBe(200);
      expect((await b.exchange()).status).toBe(200);
      expect((await b.allLogged("v")).sort()).toEqual(["0 HTTP/1.1", "0 HTTP/2"]);
    },
  );

  behaviour(
    "headers keep the order of the wire; pseudo-headers stand first, names are lower-case",
    { ...HTTP2, script: PAIRS },
    async (b) => {
      await h2Exchange(b.port, {
        pseudo: [
          [":path", "/x?y"],
          [":authority", "a"],
          [":scheme", "http"],
          [":method", "GET"],
        ],
        headers: [
          ["x-b", "1"],
          ["x-a", "2"],
          ["X-B", "3"],
          ["te", "trailers"],
        ],
      });
      expect(await pairs(b)).toBe(
        "0 :path=/x?y|:authority=a|:scheme=http|:method=GET|x-b=1|x-a=2|x-b=3|te=trailers|x-forwarded-proto=http",
      );
    },
  );

  behaviour(
    "lines of a name that is known join with a comma, crumbs of a cookie with `; ` behind the rest",
    { ...HTTP2, script: `trace\n${PAIRS}` },
    async (b) => {
      await h2Exchange(b.port, {
        headers: [
          ["cookie", "a=1"],
          ["accept", "x"],
          ["cookie", "b=2"],
          ["accept", "y"],
          ["x-last", ""],
        ],
      });
      expect(await pairs(b)).toMatch(/\|accept=x,y\|x-last=\|cookie=a=1; b=2\|x-forwarded-proto=http$/);
      expect(await b.message((m) => m.startsWith("> request_headers"))).toBe("> request_headers 2 9 1");
    },
  );

  behaviour("host stands for a missing :authority", { ...HTTP2, script: PAIRS }, async (b) => {
    await oneRequest(b, [...NO_AUTHORITY, ["host", "h"]]);
    expect(await pairs(b)).toBe("0 :method=GET|:scheme=http|:path=/|:authority=h|x-forwarded-proto=http");
  });

  behaviour("host beside :authority is dropped", { ...HTTP2, script: PAIRS }, async (b) => {
    await oneRequest(b, [...GET, ["host", "h"]]);
    expect(await pairs(b)).toBe("0 :method=GET|:scheme=http|:authority=a|:path=/|x-forwarded-proto=http");
  });

  behaviour("the scheme is the client's, in lower case", { ...HTTP2, script: PAIRS }, async (b) => {
    await oneRequest(b, [
      [":method", "GET"],
      [":scheme", "HTTPS"],
      [":authority", "a"],
      [":path", "/"],
    ]);
    expect(await pairs(b)).toBe("0 :method=GET|:scheme=https|:authority=a|:path=/|x-forwarded-proto=http");
  });

  behaviour(
    "values are bytes, blanks around them included",
    { ...HTTP2, script: "on request_headers\n v = get 0 x-v" },
    async (b) => {
      await oneRequest(b, [...GET, ["x-v", " \xe9\tz "]]);
      expect(await b.logged("v")).toBe("0  %E9%09z ");
    },
  );

  behaviour("an HTTP/1.1 upstream gets host, and chunks for a body without a length", HTTP2, async (b) => {
    await h2Exchange(b.port, { method: "POST", body: "abc", headers: [["x-a", "1"]] });
    const seen = await b.upstream.request();
    expect(seen.startLine).toBe("POST / HTTP/1.1");
    expect(seen.headers.map(([name]) => name)).toEqual([
      "host",
      "x-a",
      "x-forwarded-proto",
      "x-request-id",
      "x-envoy-expected-rq-timeout-ms",
      "transfer-encoding",
    ]);
    expect(await seen.body()).toBe("abc");
  });

  behaviour(
    "a request without a body: headers with end of stream, no body callback",
    { ...HTTP2, script: "trace" },
    async (b) => {
      await h2Exchange(b.port);
      expect(await b.callbacks()).toContain("request_headers");
      expect(await bodies(b, "request")).toEqual([]);
    },
  );

  behaviour(
    "the end of the stream comes with the last DATA frame",
    { ...HTTP2, script: "trace" },
    async (b) => {
      await h2Exchange(b.port, { method: "POST", body: "abc" });
      expect(await bodies(b, "request")).toEqual(["3 1"]);
    },
  );

  behaviour(
    "an empty last DATA frame that comes later is a callback of its own",
    { ...HTTP2, script: "trace" },
    async (b) => {
      const client = await H2Client.connect(b.port);
      const exchange = client.start({ method: "POST" }, true);
      exchange.stream.write("abc");
      await b.message((m) => m.startsWith("> request_body"));
      exchange.stream.end();
      await exchange.response();
      expect(await bodies(b, "request")).toEqual(["3 0", "0 1"]);
      client.close();
    },
  );

  behaviour("a body of several frames", { ...HTTP2, script: "trace" }, async (b) => {
    const response = await h2Exchange(b.port, { method: "POST", body: "x".repeat(40_000) });
    expect(response.text).toBe("ok");
    const seen = await bodies(b, "request");
    expect(seen.map((s) => s.split(" ")[1])).toEqual([...seen.slice(1).map(() => "0"), "1"]);
    expect(seen.reduce((sum, s) => sum + Number(s.split(" ")[0]), 0)).toBe(40_000);
    expect((await (await b.upstream.request()).body()).length).toBe(40_000);
  });

  behaviour(
    "trailers need no option: from the client to the guest, to an upstream that takes them, and back",
    {
      ...HTTP2,
      cluster: CLUSTER_TRAILERS,
      script:
        "trace\non request_trailers\n t = pairs 1\n add 1 x-more 3\non response_trailers\n r = pairs 3\n add 3 x-more 4",
      upstream: async (request, reply) => {
        await request.message;
        reply.send({ chunked: ["hello"], trailers: [["X-R", "r"]] });
      },
    },
    async (b) => {
      const response = await h2Exchange(b.port, {
        method: "POST",
        body: "abc",
        trailers: { "x-q": ["1", "2"] },
      });
      expect(await b.logged("t")).toBe("0 x-q=1|x-q=2");
      expect(await b.logged("r")).toBe("0 x-r=r");
      expect(response.text).toBe("hello");
      expect(response.trailers).toEqual([
        ["x-r", "r"],
        ["x-more", "4"],
      ]);
      expect(await bodies(b, "request")).toEqual(["3 0"]);
      expect((await (await b.upstream.request()).message).trailers).toEqual([
        ["x-q", "1"],
        ["x-q", "2"],
        ["x-more", "3"],
      ]);
    },
  );

  behaviour(
    "trailers straight after the headers: no body callback",
    { ...HTTP2, script: "trace" },
    async (b) => {
      await h2Exchange(b.port, { method: "POST", trailers: { "x-q": "1" } });
      expect(await bodies(b, "request")).toEqual([]);
      expect(await b.callbacks()).toContain("request_trailers");
    },
  );

  behaviour(
    "trailers added in the last body callback reach the client",
    { ...HTTP2, script: "trace\non response_body\n when $eos 1 : add 3 x-late yes" },
    async (b) => {
      const response = await h2Exchange(b.port);
      expect(response.text).toBe("ok");
      expect(response.trailers).toEqual([["x-late", "yes"]]);
      expect(await b.callbacks()).not.toContain("response_trailers");
    },
  );

  behaviour(
    "trailers added in the last body callback reach the upstream",
    {
      ...HTTP2,
      cluster: CLUSTER_TRAILERS,
      script: "on request_body\n when $eos 1 : add 1 x-late yes",
    },
    async (b) => {
      await h2Exchange(b.port, { method: "POST", body: "abc" });
      expect((await (await b.upstream.request()).message).trailers).toEqual([["x-late", "yes"]]);
    },
  );

  behaviour(
    "a response's headers keep order and duplicates; hop headers stay behind",
    {
      ...HTTP2,
      script: "on response_headers\n add 2 connection x\n add 2 upgrade y",
      upstream: (_, reply) =>
        reply.send({
          headers: [
            ["Set-Cookie", "a"],
            ["Keep-Alive", "timeout=5"],
            ["X-Other", "1"],
            ["Set-Cookie", "b"],
          ],
          body: "hi",
        }),
    },
    async (b) => {
      const { headers } = await h2Exchange(b.port);
      expect(headers.map(([name]) => name)).toEqual([
        ":status",
        "set-cookie",
        "x-other",
        "set-cookie",
        "content-length",
        "x-envoy-upstream-service-time",
        "date",
        "server",
      ]);
    },
  );

  behaviour(
    "HEAD and 304 have a length and no body",
    {
      ...HTTP2,
      script: "trace",
      upstream: (request, reply) =>
        reply.head(request.method === "HEAD" ? 200 : 304, [["content-length", "5"]]),
    },
    async (b) => {
      const client = await H2Client.connect(b.port);
      for (const method of ["HEAD", "GET"]) {
        const response = await client.request({ method });
        expect([response.status, response.header("content-length"), response.text, response.reset]).toEqual([
          method === "HEAD" ? 200 : 304,
          "5",
          "",
          undefined,
        ]);
      }
      expect(await bodies(b, "response")).toEqual([]);
      client.close();
    },
  );

  behaviour("expect: 100-continue is answered and not passed on", { ...HTTP2, script: PAIRS }, async (b) => {
    const response = await h2Exchange(b.port, {
      method: "POST",
      body: "x",
      headers: [["expect", "100-continue"]],
    });
    expect(response.informational).toEqual([100]);
    expect(response.status).toBe(200);
    expect(await b.logged("p")).not.toContain("expect");
  });
});
