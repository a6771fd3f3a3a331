import { expect } from "vitest";
import { conformance } from "../support/conformance";
import type { UpstreamHandler } from "../support/raw-upstream";

/** Pauses the request, calls `cluster`, and lets the request go when the answer is there. */
const callAndResume = (call: string, onAnswer = "") => `
  on request_headers
    id = call ${call}
    when $id 0 : return 0
    return 1
  on http_call_response
    ${onAnswer}
    effective $stream
    continue 0`;

const TO_AUTH = "{id} 5000 '' :method GET :path /auth :authority auth.example";

/** Answers calls to /auth in one way, everything else with 200 ok. */
const auth =
  (answer: UpstreamHandler): UpstreamHandler =>
  async (request, reply) => {
    await request.message;
    if (request.path.startsWith("/auth")) await answer(request, reply);
    else reply.send({ body: "ok" });
  };

conformance("HTTP calls", ({ behaviour }) => {
  behaviour(
    "pause, call, resume: the answer's headers and body are there in the callback",
    {
      script: callAndResume(
        TO_AUTH,
        "s = get 6 :status\n h = get 6 x-role\n b = buffer 4 0 100\n t = pairs 7",
      ),
      upstream: auth((_, reply) =>
        reply.send({ status: 201, headers: [["X-Role", "admin"]], body: "granted" }),
      ),
    },
    async (b) => {
      const response = await b.exchange({ path: "/real" });
      expect(response.text).toBe("ok");
      expect(await b.logged("id")).toMatch(/^0 \d+$/);
      expect(await b.logged("s")).toBe("0 201");
      expect(await b.logged("h")).toBe("0 admin");
      expect(await b.logged("b")).toBe("0 granted");
      expect(await b.logged("t")).toBe("0");
      expect(b.upstream.requests.map((request) => request.path)).toEqual(["/auth", "/real"]);
    },
  );

  behaviour(
    "lines of a name that is known join with a comma, those of others stay; host is :authority",
    {
      script: callAndResume(
        "{id} 1000 '' :method GET :path /auth :authority a accept b X-Two 1 accept c x-two 2 host d",
        "",
      ),
      upstream: auth((_, reply) => reply.send({})),
    },
    async (b) => {
      await b.exchange();
      const { headers } = await b.upstream.request();
      expect(headers.slice(0, 4)).toEqual([
        ["host", "a,d"],
        ["accept", "b,c"],
        ["x-two", "1"],
        ["x-two", "2"],
      ]);
    },
  );

  behaviour(
    "the callback's arguments: call id, number of headers, size of the body, number of trailers",
    {
      script: `${callAndResume(TO_AUTH, "p = pairs 6\n a = set $call $headers $size $trailers")}`,
      upstream: auth((_, reply) => reply.send({ body: "12345" })),
    },
    async (b) => {
      await b.exchange();
      const count = (await b.logged("p")).split("|").length;
      const id = (await b.logged("id")).slice(2);
      expect(await b.logged("a")).toBe(`0 ${id} ${count} 5 0`);
    },
  );

  behaviour(
    "call ids: 4, then 8, then 12",
    {
      script: `on request_headers\n a = call ${TO_AUTH}\n b = call ${TO_AUTH}\n c = call ${TO_AUTH}`,
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("0 4");
      expect(await b.logged("b")).toBe("0 8");
      expect(await b.logged("c")).toBe("0 12");
    },
  );

  behaviour(
    "the called service sees method, path, host, headers and body as given, and the length",
    {
      script: callAndResume(
        "{id} 5000 payload :method POST :path /auth?x=1 :authority auth.example X-Upper a x-two 1 x-two 2",
      ),
    },
    async (b) => {
      await b.exchange();
      const call = await b.upstream.request(0);
      expect(call.startLine).toBe("POST /auth?x=1 HTTP/1.1");
      expect(call.header("host")).toBe("auth.example");
      expect(call.headers).toContainEqual(["x-upper", "a"]);
      expect(call.all("x-two")).toEqual(["1", "2"]);
      expect(call.header("content-length")).toBe("7");
      expect(await call.body()).toBe("payload");
    },
  );

  behaviour(
    "the called service sees x-envoy-internal and the expected timeout, but no x-forwarded-for",
    { script: callAndResume(TO_AUTH) },
    async (b) => {
      await b.exchange();
      const call = await b.upstream.request(0);
      expect(call.header("x-envoy-internal")).toBe("true");
      expect(call.header("x-envoy-expected-rq-timeout-ms")).toBe("5000");
      expect(call.header("x-forwarded-for")).toBeUndefined();
    },
  );

  behaviour(
    "host is accepted in place of :authority",
    { script: callAndResume("{id} 5000 '' :method GET :path /auth host by-host.example") },
    async (b) => {
      await b.exchange();
      expect((await b.upstream.request(0)).header("host")).toBe("by-host.example");
    },
  );

  behaviour(
    "BadArgument: unknown cluster, or :method, :path or :authority missing",
    {
      script: `
        on request_headers
          cluster = call nowhere 5000 '' :method GET :path / :authority a
          method = call {id} 5000 '' :path / :authority a
          path = call {id} 5000 '' :method GET :authority a
          host = call {id} 5000 '' :method GET :path /`,
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("cluster")).toBe("2");
      expect(await b.logged("method")).toBe("2");
      expect(await b.logged("path")).toBe("2");
      expect(await b.logged("host")).toBe("2");
      expect(b.upstream.requests).toHaveLength(1);
    },
  );

  behaviour(
    "a cluster without hosts: InternalFailure",
    { script: "on request_headers\n a = call empty 5000 '' :method GET :path / :authority a" },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("a")).toBe("10");
    },
  );

  behaviour(
    "a refused connection is an answer: 503 with a text",
    {
      script: callAndResume(
        "dead 5000 '' :method GET :path / :authority a",
        "s = get 6 :status\n n = set $headers\n b = buffer 4 0 1000",
      ),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("s")).toBe("0 503");
      expect(await b.logged("n")).toBe("0 3");
      expect(await b.logged("b")).toMatch(/^0 upstream connect error or disconnect\/reset before headers/);
    },
  );

  behaviour(
    "a timeout is an answer: 504",
    {
      script: callAndResume(
        "{id} 50 '' :method GET :path /auth :authority a",
        "s = get 6 :status\n b = buffer 4 0 1000",
      ),
      upstream: auth(() => {}),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("s")).toBe("0 504");
      expect(await b.logged("b")).toBe("0 upstream request timeout");
    },
  );

  behaviour(
    "an answer cut in its body has no headers, and get_status says reset",
    {
      script: callAndResume(TO_AUTH, "n = set $headers $size $trailers\n st = status\n g = get 6 :status"),
      upstream: auth((_, reply) => {
        reply.head(200, [["content-length", "100"]]);
        reply.raw("part");
        reply.socket.end();
      }),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("n")).toBe("0 0 0 0");
      expect(await b.logged("st")).toBe("0 11 reset");
      expect(await b.logged("g")).toMatch(/^[12]$/);
    },
  );

  behaviour(
    "the code of get_status is sticky: a later success still reads it, with an empty message",
    {
      script: callAndResume(TO_AUTH, "when $n 1 : first = status\n when $n 2 : second = status"),
      upstream: auth((request, reply) => {
        if (request.connection > 1) return reply.send({ body: "fine" });
        reply.head(200, [["content-length", "100"]]);
        reply.raw("part");
        reply.socket.end();
      }),
    },
    async (b) => {
      await b.exchange();
      await b.exchange();
      expect(await b.logged("first")).toBe("0 11 reset");
      expect(await b.logged("second")).toBe("0 11 ");
    },
  );

  behaviour(
    "an answer with chunks, a large body and a HEAD answer all end",
    {
      script: `
        on request_headers
          path = get 0 :path
          method = get 0 x-method
          call {id} 5000 '' :method $method :path $path :authority a
          return 1
        on http_call_response
          size = set $size
          effective $stream
          continue 0`,
      upstream: async (request, reply) => {
        await request.message;
        if (request.header("x-method")) reply.send({ body: "ok" });
        else if (request.method === "HEAD") reply.head(200, [["content-length", "500"]]);
        else reply.send({ chunked: ["a".repeat(70_000), "b".repeat(70_000)] });
      },
    },
    async (b) => {
      const client = await b.connect();
      await client.exchange({ path: "/big", headers: [["x-method", "GET"]] });
      await client.exchange({ path: "/head", headers: [["x-method", "HEAD"]] });
      expect(await b.allLogged("size")).toEqual(["0 140000", "0 0"]);
      client.close();
    },
  );

  behaviour(
    "the answer decides: a local response instead of resuming",
    {
      script: `
        on request_headers
          call ${TO_AUTH}
          return 1
        on http_call_response
          effective $stream
          reply 403 '' denied -1`,
      upstream: auth((_, reply) => reply.send({ status: 401 })),
    },
    async (b) => {
      const response = await b.exchange({ path: "/real" });
      expect(response.status).toBe(403);
      expect(response.text).toBe("denied");
      expect(b.upstream.requests).toHaveLength(1);
    },
  );

  behaviour(
    "the answer is delivered to the root context; without an effective context there is no stream",
    { script: callAndResume(TO_AUTH, "c = set $context\n p = get 0 :path") },
    async (b) => {
      await b.exchange();
      expect(await b.logged("c")).toBe("0 1");
      expect(await b.logged("p")).toBe("2");
    },
  );

  behaviour(
    "call maps and body are not readable outside the callback",
    { script: `${callAndResume(TO_AUTH)}\non response_headers\n h = get 6 :status\n b = buffer 4 0 10` },
    async (b) => {
      await b.exchange();
      expect(await b.logged("h")).toBe("2");
      expect(await b.logged("b")).toBe("1");
    },
  );

  behaviour(
    "an answer that comes after the stream has gone is still delivered; the stream is an unknown context",
    {
      script: `
        on request_headers
          call ${TO_AUTH}
          return 1
        on delete
          deleted = set 1
        on http_call_response
          late = get 6 :status
          gone = effective $stream`,
    },
    async (b) => {
      const gate = Promise.withResolvers<void>();
      b.upstream.handler = async (_, reply) => {
        await gate.promise;
        reply.send({ status: 202 });
      };
      const client = await b.connect();
      client.send({});
      await b.upstream.request(0);
      client.reset();
      await b.logged("deleted");
      gate.resolve();
      expect(await b.logged("late")).toBe("0 202");
      expect(await b.logged("gone")).toBe("2");
    },
  );

  behaviour(
    "a call from a timer, with no request at all",
    {
      script: `
        on configure
          tick 10
        on tick
          tick 0
          call {id} 5000 '' :method GET :path /from-tick :authority a
        on http_call_response
          s = get 6 :status`,
    },
    async (b) => {
      expect(await b.logged("s")).toBe("0 200");
      expect((await b.upstream.request(0)).path).toBe("/from-tick");
    },
  );

  behaviour(
    "a call in the response phase holds the response",
    {
      script: `
        on response_headers
          call ${TO_AUTH}
          return 1
        on http_call_response
          s = get 6 :status
          effective $stream
          add 2 x-checked 1
          continue 1`,
    },
    async (b) => {
      const response = await b.exchange();
      expect(await b.logged("s")).toBe("0 200");
      expect(response.header("x-checked")).toBe("1");
      expect(response.text).toBe("ok");
    },
  );

  behaviour(
    "two calls at once are told apart by their ids",
    {
      script: `
        on request_headers
          a = call {id} 5000 '' :method GET :path /auth/slow :authority a
          b = call {id} 5000 '' :method GET :path /auth/fast :authority a
          return 1
        on http_call_response
          body = buffer 4 0 100
          when $call $a : first = set $body
          when $call $b : second = set $body
          when $n 1 : return 0
          effective $stream
          continue 0`,
      upstream: auth((request, reply) => reply.send({ body: request.path })),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("first")).toBe("0 /auth/slow");
      expect(await b.logged("second")).toBe("0 /auth/fast");
    },
  );
});
