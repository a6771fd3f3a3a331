import { expect } from "vitest";
import { conformance } from "../support/conformance";
import type { RawHeaders } from "../support/http-message";

const TWICE: RawHeaders = [
  ["X-A", "1"],
  ["X-A", "2"],
];

conformance("Header maps", ({ behaviour }) => {
  behaviour(
    "get answers the first of several values",
    { script: "on request_headers\n a = get 0 x-a" },
    async (b) => {
      await b.exchange({ headers: TWICE });
      expect(await b.logged("a")).toBe("0 1");
    },
  );

  behaviour(
    "get of a missing header is NotFound, of an empty one Ok",
    { script: "on request_headers\n missing = get 0 x-none\n empty = get 0 x-empty" },
    async (b) => {
      await b.exchange({ headers: [["X-Empty", ""]] });
      expect(await b.logged("missing")).toBe("1");
      expect(await b.logged("empty")).toBe("0");
    },
  );

  behaviour(
    "names are lower-cased in both directions",
    { script: "on request_headers\n a = get 0 X-MiXed\n add 0 X-ADDED 1\n p = pairs 0" },
    async (b) => {
      await b.exchange({ headers: [["X-MIXED", "yes"]] });
      expect(await b.logged("a")).toBe("0 yes");
      expect(await b.logged("p")).toContain("x-added=1");
      expect((await b.upstream.request()).headers.map(([name]) => name)).toContain("x-added");
    },
  );

  behaviour(
    "pairs of a request: pseudo-headers first, then the order of arrival, duplicates kept",
    { script: "on request_headers\n p = pairs 0" },
    async (b) => {
      await b.exchange({
        method: "GET",
        path: "/p?q=1",
        host: "h.example",
        headers: [
          ["B", "1"],
          ["A", "2"],
          ["B", "3"],
        ],
      });
      const pairs = (await b.logged("p")).slice(2).split("|");
      expect(pairs.slice(0, 4)).toEqual([
        ":authority=h.example",
        ":path=/p?q=1",
        ":method=GET",
        ":scheme=http",
      ]);
      expect(pairs.filter((pair) => /^[ab]=/.test(pair))).toEqual(["b=1", "a=2", "b=3"]);
    },
  );

  behaviour(
    "the count handed to the callback is the number of pairs",
    { script: "trace\non request_headers\n p = pairs 0" },
    async (b) => {
      await b.exchange({ headers: TWICE });
      const pairs = (await b.logged("p")).split("|");
      const traced = await b.message((m) => m.startsWith("> request_headers"));
      expect(traced.split(" ")[3]).toBe(String(pairs.length));
    },
  );

  behaviour(
    "size is the bytes of names and values, not of the serialized block",
    { script: "on request_headers\n p = pairs 0\n s = size 0" },
    async (b) => {
      await b.exchange({ headers: [["x-odd", "a b"]] });
      const pairs = (await b.logged("p")).slice(2).split("|");
      // One separator a pair; header values here need no escapes.
      const bytes = pairs.reduce((sum, pair) => sum + pair.length - 1, 0);
      expect(await b.logged("s")).toBe(`0 ${bytes}`);
    },
  );

  behaviour(
    "add makes another line of the same name",
    { script: "on request_headers\n add 0 x-a 2\n add 0 cookie c=2" },
    async (b) => {
      await b.exchange({
        headers: [
          ["x-a", "1"],
          ["cookie", "c=1"],
        ],
      });
      const request = await b.upstream.request();
      expect(request.all("x-a")).toEqual(["1", "2"]);
      expect(request.all("cookie")).toEqual(["c=1", "c=2"]);
    },
  );

  behaviour(
    "add to a known single-line header joins with a comma",
    { script: "on request_headers\n add 0 user-agent two\n add 0 accept b\n add 0 x-forwarded-for 9.9.9.9" },
    async (b) => {
      await b.exchange({
        headers: [
          ["user-agent", "one"],
          ["accept", "a"],
          ["x-forwarded-for", "1.1.1.1"],
        ],
      });
      const request = await b.upstream.request();
      expect(request.all("user-agent")).toEqual(["one,two"]);
      expect(request.all("accept")).toEqual(["a,b"]);
      expect(request.all("x-forwarded-for")).toEqual(["1.1.1.1,9.9.9.9"]);
    },
  );

  behaviour("add to :path joins too", { script: "on request_headers\n s = add 0 :path /b" }, async (b) => {
    await b.exchange({ path: "/a" });
    expect(await b.logged("s")).toBe("0");
    expect((await b.upstream.request()).path).toBe("/a,/b");
  });

  behaviour(
    "replace leaves one line, and creates a missing one",
    { script: "on request_headers\n replace 0 x-a 3\n replace 0 x-new n" },
    async (b) => {
      await b.exchange({ headers: TWICE });
      const request = await b.upstream.request();
      expect(request.all("x-a")).toEqual(["3"]);
      expect(request.all("x-new")).toEqual(["n"]);
    },
  );

  behaviour(
    "what is replaced stands behind the others, pseudo-headers among themselves",
    {
      script:
        "on request_headers\n replace 0 :path /new\n replace 0 user-agent new\n replace 0 x-a 3\n p = pairs 0",
    },
    async (b) => {
      await b.exchange({ headers: [["User-Agent", "old"], ...TWICE, ["X-Last", "1"]] });
      const names = (await b.logged("p"))
        .slice(2)
        .split("|")
        .map((pair) => pair.slice(0, pair.indexOf("=")));
      expect(names.slice(0, 4)).toEqual([":authority", ":method", ":scheme", ":path"]);
      expect(names.indexOf("user-agent")).toBeGreaterThan(names.indexOf("x-last"));
      expect(names.at(-1)).toBe("x-a");
    },
  );

  behaviour(
    "remove takes away every line; of a missing name it is Ok",
    { script: "on request_headers\n a = remove 0 x-a\n b = remove 0 x-none" },
    async (b) => {
      await b.exchange({ headers: TWICE });
      expect(await b.logged("a")).toBe("0");
      expect(await b.logged("b")).toBe("0");
      expect((await b.upstream.request()).all("x-a")).toEqual([]);
    },
  );

  behaviour(
    "host stands for :authority in request headers",
    { script: "on request_headers\n a = get 0 host\n replace 0 host other.example\n b = get 0 :authority" },
    async (b) => {
      await b.exchange({ host: "first.example" });
      expect(await b.logged("a")).toBe("0 first.example");
      expect(await b.logged("b")).toBe("0 other.example");
      expect((await b.upstream.request()).header("host")).toBe("other.example");
    },
  );

  behaviour(
    "replacing :path and :method changes the request line",
    { script: "on request_headers\n replace 0 :path /new?x=1\n replace 0 :method PUT" },
    async (b) => {
      await b.exchange({ path: "/old" });
      expect((await b.upstream.request()).startLine).toBe("PUT /new?x=1 HTTP/1.1");
    },
  );

  behaviour(
    "set pairs replaces the whole map",
    {
      script:
        "on request_headers\n s = set-pairs 0 :method GET :path /set :authority h :scheme http x-forwarded-proto http x-only 1 x-only 2",
    },
    async (b) => {
      await b.exchange({ headers: [["x-gone", "1"]] });
      const request = await b.upstream.request();
      expect(await b.logged("s")).toBe("0");
      expect(request.startLine).toBe("GET /set HTTP/1.1");
      expect(request.all("x-only")).toEqual(["1", "2"]);
      expect(request.all("x-gone")).toEqual([]);
    },
  );

  behaviour(
    "set pairs with an undecodable block wipes the map and is Ok",
    { script: "on response_headers\n s = set-pairs-raw 2 %05%00%00%00%01\n p = pairs 2\n add 2 :status 204" },
    async (b) => {
      const response = await b.exchange();
      expect(await b.logged("s")).toBe("0");
      expect(await b.logged("p")).toBe("0");
      expect(response.status).toBe(204);
    },
  );

  behaviour(
    "more than 1024 pairs are read as none: the map is wiped",
    {
      script: `on response_headers\n s = set-pairs 2${" a b".repeat(1025)}\n p = pairs 2\n add 2 :status 205`,
    },
    async (b) => {
      const response = await b.exchange();
      expect(await b.logged("s")).toBe("0");
      expect(await b.logged("p")).toBe("0");
      expect(response.status).toBe(205);
    },
  );

  behaviour(
    "add of an empty value to a joined header changes nothing; elsewhere it is a line of its own",
    { script: "on request_headers\n add 0 user-agent ''\n add 0 x-a ''" },
    async (b) => {
      await b.exchange({
        headers: [
          ["user-agent", "one"],
          ["x-a", "1"],
        ],
      });
      const request = await b.upstream.request();
      expect(request.all("user-agent")).toEqual(["one"]);
      expect(request.all("x-a")).toEqual(["1", ""]);
    },
  );

  behaviour("removing :path answers 404", { script: "on request_headers\n remove 0 :path" }, async (b) => {
    expect((await b.exchange()).status).toBe(404);
  });

  behaviour(
    "removing x-forwarded-proto answers 404",
    { script: "on request_headers\n remove 0 x-forwarded-proto" },
    async (b) => {
      expect((await b.exchange()).status).toBe(404);
    },
  );

  behaviour(
    "removing :method answers 503",
    { script: "on request_headers\n remove 0 :method" },
    async (b) => {
      expect((await b.exchange()).status).toBe(503);
    },
  );

  behaviour(
    "removing :status answers 502",
    { script: "on response_headers\n remove 2 :status" },
    async (b) => {
      expect((await b.exchange()).status).toBe(502);
    },
  );

  behaviour(
    "response headers can be read, added, replaced and removed",
    {
      script:
        "on response_headers\n st = get 2 :status\n add 2 x-added 1\n replace 2 x-up replaced\n remove 2 x-gone\n replace 2 :status 201",
      upstream: (_, reply) =>
        reply.send({
          headers: [
            ["x-up", "a"],
            ["x-up", "b"],
            ["x-gone", "1"],
          ],
        }),
    },
    async (b) => {
      const response = await b.exchange();
      expect(await b.logged("st")).toBe("0 200");
      expect(response.status).toBe(201);
      expect(response.all("x-added")).toEqual(["1"]);
      expect(response.all("x-up")).toEqual(["replaced"]);
      expect(response.all("x-gone")).toEqual([]);
    },
  );

  behaviour(
    "pairs of a response start with :status and keep the upstream's order",
    {
      script: "on response_headers\n p = pairs 2",
      upstream: (_, reply) =>
        reply.send({
          headers: [
            ["Z", "1"],
            ["Set-Cookie", "a=1"],
            ["A", "2"],
            ["Set-Cookie", "b=2"],
          ],
        }),
    },
    async (b) => {
      await b.exchange();
      const pairs = (await b.logged("p")).slice(2).split("|");
      expect(pairs[0]).toBe(":status=200");
      expect(pairs.filter((pair) => /^(z|a|set-cookie)=/.test(pair))).toEqual([
        "z=1",
        "set-cookie=a=1",
        "a=2",
        "set-cookie=b=2",
      ]);
    },
  );

  behaviour(
    "bytes above 0x7f in a head that leaves before its body",
    {
      script: "on response_headers\n add 2 x-back %E9%FF%C3%A9",
      async upstream(request, reply) {
        await request.message;
        reply.head(200, [["transfer-encoding", "chunked"]]);
        // Later than the head: only time tells a proxy that the head must go alone.
        setTimeout(() => reply.end(), 50);
      },
    },
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\nx-raw: \xe9\xff\xc3\xa9\r\ncontent-length: 1\r\n\r\n");
      expect((await b.upstream.request()).header("x-raw")).toBe("\xe9\xff\xc3\xa9");
      client.write("x");
      expect((await client.response()).header("x-back")).toBe("\xe9\xff\xc3\xa9");
      client.close();
    },
  );

  behaviour(
    "bytes above 0x7f pass through header values unchanged",
    { script: "on request_headers\n a = get 0 x-raw\non response_headers\n add 2 x-back %E9%FF%C3%A9" },
    async (b) => {
      const response = await b.exchange({ headers: [["x-raw", "\xe9\xff\xc3\xa9"]] });
      expect(await b.logged("a")).toBe("0 %E9%FF%C3%A9");
      expect((await b.upstream.request()).header("x-raw")).toBe("\xe9\xff\xc3\xa9");
      expect(response.header("x-back")).toBe("\xe9\xff\xc3\xa9");
    },
  );

  behaviour(
    "request headers cannot be read in the response phase: value BadArgument, pairs empty, size BadArgument",
    { script: "on response_headers\n v = get 0 x-a\n p = pairs 0\n s = size 0\n w = add 0 x-b 1" },
    async (b) => {
      await b.exchange({ headers: TWICE });
      expect(await b.logged("v")).toBe("2");
      expect(await b.logged("p")).toBe("0");
      expect(await b.logged("s")).toBe("2");
      expect(await b.logged("w")).toBe("2");
    },
  );

  behaviour(
    "request headers cannot be read in the body callback",
    { script: "on request_body\n v = get 0 x-a\n p = pairs 0" },
    async (b) => {
      await b.exchange({ method: "POST", body: "b", headers: TWICE });
      expect(await b.logged("v")).toBe("2");
      expect(await b.logged("p")).toBe("0");
    },
  );

  behaviour(
    "in on_log request and response headers can be read, not written",
    { script: "on log\n q = get 0 x-a\n r = get 2 :status\n w = add 2 x-b 1\n t = get 1 x-t" },
    async (b) => {
      await b.exchange({ headers: TWICE });
      expect(await b.logged("q")).toBe("0 1");
      expect(await b.logged("r")).toBe("0 200");
      expect(await b.logged("w")).toBe("2");
      expect(await b.logged("t")).toBe("1");
    },
  );

  behaviour(
    "an unknown map is BadArgument",
    { script: "on request_headers\n v = get 8 x-a\n p = pairs 8\n s = size 8\n r = size 4\n q = pairs 6" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("v")).toBe("2");
      expect(await b.logged("p")).toBe("2");
      expect(await b.logged("s")).toBe("2");
      expect(await b.logged("r")).toBe("2");
      expect(await b.logged("q")).toBe("0");
    },
  );

  behaviour(
    "a changed request header is routed anew",
    {
      script: "on request_headers\n replace 0 x-route b",
      routes: (id) => [
        {
          match: { prefix: "/", headers: [{ name: "x-route", string_match: { exact: "b" } }] },
          direct_response: { status: 222 },
        },
        { match: { prefix: "/" }, route: { cluster: id } },
      ],
    },
    async (b) => {
      expect((await b.exchange({ headers: [["x-route", "a"]] })).status).toBe(222);
    },
  );

  behaviour(
    "a 70 000 byte value is accepted from a plugin",
    { script: "on response_headers\n add 2 x-big @70000" },
    async (b) => {
      expect((await b.exchange()).header("x-big")).toHaveLength(70_000);
    },
  );

  behaviour(
    "several filters see each other's changes: requests in order, responses in reverse",
    {
      script: [
        "on request_headers\n add 0 x-order first\non response_headers\n add 2 x-order first",
        "on request_headers\n add 0 x-order second\non response_headers\n add 2 x-order second",
      ],
    },
    async (b) => {
      const response = await b.exchange();
      expect((await b.upstream.request()).all("x-order")).toEqual(["first", "second"]);
      expect(response.all("x-order")).toEqual(["second", "first"]);
    },
  );
});
