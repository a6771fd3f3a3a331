import { expect } from "vitest";
import { conformance } from "../support/conformance";
import { header } from "../support/http-message";
import { REQUEST_WITH_TRAILERS, TRAILERS_SETUP } from "./trailers-setup";

/** Buffers the request body, then does `lines` when it is complete. */
const whenComplete = (direction: "request" | "response", lines: string) => `
  on ${direction}_body
    when $eos 0 : return 1
    ${lines}`;

const CHUNKED_POST = { method: "POST", chunked: ["abc", "defg"] };

const CHUNKED = "Transfer-Encoding: chunked\r\n\r\n";

conformance("Bodies", ({ behaviour, engine }) => {
  behaviour(
    "a streamed chunk can be read in its callback, with its size",
    { script: "on request_body\n b = buffer 0 0 100\n s = buffer-size 0" },
    async (b) => {
      await b.exchange({ method: "POST", body: "hello" });
      expect(await b.logged("b")).toBe("0 hello");
      expect(await b.logged("s")).toBe("0 5");
    },
  );

  behaviour(
    "start and size cut out a part; a start past the end reads as empty, not as an error",
    { script: "on request_body\n a = buffer 0 1 3\n b = buffer 0 99 5\n c = buffer 0 3 1000" },
    async (b) => {
      await b.exchange({ method: "POST", body: "hello" });
      expect(await b.logged("a")).toBe("0 ell");
      expect(await b.logged("b")).toBe("0");
      expect(await b.logged("c")).toBe("0 lo");
    },
  );

  behaviour(
    "while buffering, size and buffer grow to the whole body",
    { script: `trace\n${whenComplete("request", "w = buffer 0 0 100")}` },
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await b.message((m) => m.startsWith("> request_body"), "the first chunk");
      client.write("4\r\ndefg\r\n0\r\n\r\n");
      await client.response();
      expect(await b.logged("w")).toBe("0 abcdefg");
      const sizes = (await b.messages())
        .filter((m) => m.startsWith("> request_body"))
        .map((m) => m.split(" ").slice(3).join(" "));
      expect(sizes).toEqual(["3 0", "7 0", "7 1"]);
      client.close();
    },
  );

  behaviour(
    "the upstream gets no part of a body before the buffering filter lets go",
    { script: `trace\n${whenComplete("request", "")}` },
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await b.message((m) => m.startsWith("> request_body"), "the first chunk");
      client.write("3\r\ndef\r\n0\r\n\r\n");
      await client.response();
      // What was held in two pieces leaves as one.
      expect((await (await b.upstream.request()).message).chunks).toEqual([6]);
      client.close();
    },
  );

  behaviour(
    "a buffered request body can be replaced",
    {
      script: `on request_headers\n remove 0 content-length\n${whenComplete("request", "s = set-buffer 0 0 100000 replaced%20body")}`,
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "original" });
      expect(await b.logged("s")).toBe("0");
      expect(await (await b.upstream.request()).body()).toBe("replaced body");
    },
  );

  behaviour(
    "start 0 drops so many bytes from the front, then puts the data there",
    {
      script: `on request_headers\n remove 0 content-length\n${whenComplete("request", "set-buffer 0 0 2 XY-")}`,
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "abcdef" });
      expect(await (await b.upstream.request()).body()).toBe("XY-cdef");
    },
  );

  behaviour(
    "a start at or past the end appends",
    {
      script: `on request_headers\n remove 0 content-length\n${whenComplete("request", "set-buffer 0 6 0 -end\n set-buffer 0 999 3 !")}`,
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "abcdef" });
      expect(await (await b.upstream.request()).body()).toBe("abcdef-end!");
    },
  );

  behaviour(
    "a start in the middle is BadArgument and changes nothing",
    { script: whenComplete("request", "s = set-buffer 0 3 1 no") },
    async (b) => {
      await b.exchange({ method: "POST", body: "abcdef" });
      expect(await b.logged("s")).toBe("2");
      expect(await (await b.upstream.request()).body()).toBe("abcdef");
    },
  );

  behaviour(
    "a streamed chunk can be replaced without buffering",
    { script: "on request_body\n when $eos 0 : set-buffer 0 0 $size seen" },
    async (b) => {
      await b.exchange(CHUNKED_POST);
      expect(await (await b.upstream.request()).body()).toMatch(/^(seen)+$/);
    },
  );

  behaviour(
    "a body can be removed",
    {
      script: `on request_headers\n remove 0 content-length\n${whenComplete("request", "set-buffer 0 0 1000 ''")}`,
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "abcdef" });
      expect(await (await b.upstream.request()).body()).toBe("");
    },
  );

  behaviour(
    "a buffered response body can be read and replaced",
    {
      script: `on response_headers\n remove 2 content-length\n${whenComplete("response", "r = buffer 1 0 1000\n set-buffer 1 0 1000 new")}`,
      upstream: (_, reply) => reply.send({ chunked: ["one ", "two"] }),
    },
    async (b) => {
      const response = await b.exchange();
      expect(await b.logged("r")).toBe("0 one two");
      expect(response.text).toBe("new");
    },
  );

  behaviour(
    "streamed response chunks pass one by one, as they come",
    {
      script: "trace",
      upstream: (_, reply) => {
        reply.head(200, [["transfer-encoding", "chunked"]]);
        reply.chunk("first");
      },
    },
    async (b) => {
      const client = await b.connect();
      client.send({});
      await client.head();
      let seen = "";
      while (!seen.includes("first")) seen += (await client.bytes())?.toString("latin1");
      expect((await b.messages()).some((m) => /^> response_body \d+ 5 0/.test(m))).toBe(true);
      client.close();
    },
  );

  behaviour(
    "content-length is not corrected when a response body changes",
    {
      script: "on response_body\n when $eos 0 : set-buffer 1 0 1000 ab",
      upstream: (_, reply) => reply.send({ body: "abcdef" }),
    },
    async (b) => {
      const client = await b.connect();
      client.send({});
      const { headers } = await client.head();
      expect(header(headers, "content-length")).toBe("6");
      expect((await client.bytes())?.toString("latin1")).toBe("ab");
      client.close();
    },
  );

  behaviour(
    "content-length is not corrected when a request body changes",
    {
      script: "on request_body\n when $eos 0 : set-buffer 0 0 1000 ab",
      upstream: (_, reply) => reply.send({}),
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "abcdef" });
      expect((await b.upstream.request()).header("content-length")).toBe("6");
    },
  );

  // Envoy uses it again, and gives the next client the answer to the surplus.
  if (engine.name === "node")
    behaviour(
      "a connection on which a filter's body outgrew its content-length serves nothing else",
      {
        script: `on request_body\n when $eos 0 : set-buffer 0 0 1000 ${encodeURIComponent("abcGET /surplus HTTP/1.1\r\n\r\n")}`,
        upstream: (request, reply) =>
          void (request.path === "/surplus" || reply.send({ body: request.path })),
      },
      async (b) => {
        const client = await b.connect();
        client.send({ method: "POST", path: "/first", body: "abc" });
        expect((await client.response()).text).toBe("/first");
        expect((await client.exchange({ path: "/second" })).text).toBe("/second");
        expect(b.upstream.requests.map(({ path, connection }) => [path, connection])).toEqual([
          ["/first", 1],
          ["/surplus", 1],
          ["/second", 2],
        ]);
        client.close();
      },
    );

  behaviour(
    "an absent buffer reads as empty and Ok; setting it is BadArgument",
    {
      script:
        "on request_headers\n a = buffer 0 0 10\n b = set-buffer 0 0 0 x\n c = buffer 1 0 10\n d = buffer-size 0",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("0");
      expect(await b.logged("b")).toBe("2");
      expect(await b.logged("c")).toBe("0");
      expect(await b.logged("d")).toBe("0 0");
    },
  );

  behaviour(
    "buffers outside their phase: call body and plugin configuration NotFound, VM configuration always there",
    {
      script:
        "on request_headers\n a = buffer 4 0 10\n b = buffer 7 0 10\n c = buffer 6 0 100\n d = buffer 9 0 10\n e = set-buffer 6 0 1 x",
      vm: {
        configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "vm-config" },
      },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("1");
      expect(await b.logged("b")).toBe("1");
      expect(await b.logged("c")).toBe("0 vm-config");
      expect(await b.logged("d")).toBe("2");
      expect(await b.logged("e")).toBe("2");
    },
  );

  behaviour(
    "a buffered request over the limit answers 413",
    { script: whenComplete("request", ""), listener: { per_connection_buffer_limit_bytes: 1000 } },
    async (b) => {
      const response = await b.exchange({ method: "POST", body: "x".repeat(5000) });
      expect(response.status).toBe(413);
      expect(response.text).toBe("Payload Too Large");
    },
  );

  behaviour(
    "a buffered response over the limit, headers still held, answers 500",
    {
      script: "on response_headers\n return 1\non response_body\n return 1",
      plugin: { allow_on_headers_stop_iteration: true },
      listener: { per_connection_buffer_limit_bytes: 1000 },
      upstream: (_, reply) => reply.send({ body: "x".repeat(5000) }),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(500);
    },
  );

  behaviour(
    "bytes of any value pass through a body unchanged",
    { script: "on request_body\n when $eos 0 : b = buffer 0 0 100" },
    async (b) => {
      const bytes = Buffer.from([0, 1, 127, 128, 255, 10, 13, 37]);
      await b.exchange({ method: "POST", body: bytes });
      expect(await b.logged("b")).toBe("0 %00%01%7F%80%FF%0A%0D%25");
      expect((await (await b.upstream.request()).message).body.equals(bytes)).toBe(true);
    },
  );

  behaviour(
    "body held at the trailers: buffered and edited there",
    {
      ...TRAILERS_SETUP,
      script:
        "on request_body\n return 1\non request_trailers\n w = buffer 0 0 100\n set-buffer 0 0 100 edited",
    },
    async (b) => {
      await b.exchange(REQUEST_WITH_TRAILERS);
      expect(await b.logged("w")).toBe("0 body");
      expect(await (await b.upstream.request()).body()).toBe("edited");
    },
  );

  behaviour(
    "a large body survives buffering in two filters",
    {
      script: [whenComplete("request", "s = buffer-size 0"), whenComplete("request", "t = buffer-size 0")],
    },
    async (b) => {
      const body = Buffer.alloc(900_000, "0123456789");
      await b.exchange({ method: "POST", body });
      expect(await b.logged("s")).toBe("0 900000");
      expect(await b.logged("t")).toBe("0 900000");
      expect((await (await b.upstream.request()).message).body.equals(body)).toBe(true);
    },
  );
});

conformance("Trailers", ({ behaviour }) => {
  behaviour(
    "request trailers reach filter and upstream",
    { ...TRAILERS_SETUP, script: "on request_trailers\n t = pairs 1\n add 1 x-added 1" },
    async (b) => {
      await b.exchange(REQUEST_WITH_TRAILERS);
      expect(await b.logged("t")).toBe("0 x-request-trailer=q");
      expect((await (await b.upstream.request()).message).trailers).toEqual([
        ["x-request-trailer", "q"],
        ["x-added", "1"],
      ]);
    },
  );

  behaviour(
    "response trailers can be read, replaced and removed",
    {
      ...TRAILERS_SETUP,
      script:
        "on response_trailers\n t = get 3 x-response-trailer\n replace 3 x-new n\n remove 3 x-response-trailer",
    },
    async (b) => {
      const response = await b.exchange(REQUEST_WITH_TRAILERS);
      expect(await b.logged("t")).toBe("0 r");
      expect(response.trailers).toEqual([["x-new", "n"]]);
    },
  );

  behaviour(
    "trailers are dropped unless they are enabled",
    {
      script: "trace",
      upstream: async (request, reply) => {
        await request.message;
        reply.send({ chunked: ["hello"], trailers: [["x-response-trailer", "r"]] });
      },
    },
    async (b) => {
      const response = await b.exchange(REQUEST_WITH_TRAILERS);
      await b.message((m) => m.startsWith("> delete"), "delete");
      expect(response.trailers).toEqual([]);
      expect((await (await b.upstream.request()).message).trailers).toEqual([]);
      expect((await b.callbacks()).filter((name) => name.endsWith("trailers"))).toEqual([]);
    },
  );

  behaviour(
    "trailers can be added at the end of a chunked response",
    {
      ...TRAILERS_SETUP,
      script: "on response_body\n when $eos 1 : add 3 x-late 1",
      upstream: (_, reply) => reply.send({ chunked: ["hello"] }),
    },
    async (b) => {
      expect((await b.exchange()).trailers).toEqual([["x-late", "1"]]);
    },
  );

  behaviour(
    "request trailers stopped on are held until continue",
    {
      ...TRAILERS_SETUP,
      script: `
        on request_trailers
          tick 10
          return 1
        on tick
          tick 0
          effective $stream
          c = continue 0`,
    },
    async (b) => {
      expect((await b.exchange(REQUEST_WITH_TRAILERS)).status).toBe(200);
      expect(await b.logged("c")).toBe("0");
    },
  );

  behaviour(
    "chunks that arrive together are one call of the filters, however small they are",
    {
      script: "trace",
      upstream: (_, reply) => reply.raw(`HTTP/1.1 200 OK\r\n${CHUNKED}${"1\r\nb\r\n".repeat(100)}0\r\n\r\n`),
    },
    async (b) => {
      const client = await b.connect();
      client.write(`POST / HTTP/1.1\r\nHost: a\r\n${CHUNKED}${"1\r\na\r\n".repeat(100)}0\r\n\r\n`);
      expect((await client.response()).text).toBe("b".repeat(100));
      for (const direction of ["request", "response"]) {
        const calls = (await b.messages()).filter((m) => m.startsWith(`> ${direction}_body`));
        expect(calls.map((call) => call.split(" ").slice(3).join(" "))).toEqual(["100 0", "0 1"]);
      }
      expect((await b.upstream.request()).header("transfer-encoding")).toBe("chunked");
      client.close();
    },
  );
});
