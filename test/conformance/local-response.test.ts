import { expect } from "vitest";
import { conformance } from "../support/conformance";

const GRPC: [string, string][] = [["content-type", "application/grpc"]];

conformance("Local responses", ({ behaviour }) => {
  behaviour(
    "from request headers: status, body and headers reach the client, nothing the upstream",
    { script: "on request_headers\n s = reply 418 why short%20and%20stout -1 x-reply yes\n return 1" },
    async (b) => {
      const response = await b.exchange();
      expect(await b.logged("s")).toBe("0");
      expect(response.status).toBe(418);
      expect(response.text).toBe("short and stout");
      expect(response.header("x-reply")).toBe("yes");
      expect(response.header("content-length")).toBe("15");
      expect(response.header("content-type")).toBe("text/plain");
      expect(b.upstream.requests).toHaveLength(0);
    },
  );

  behaviour(
    "without a body there is no content-type",
    { script: "on request_headers\n reply 403 '' '' -1\n return 1" },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(403);
      expect(response.text).toBe("");
      expect(response.header("content-type")).toBeUndefined();
    },
  );

  behaviour(
    "its headers may name the content-type; a :status among them has no effect",
    {
      script: "on request_headers\n reply 400 '' {} -1 content-type application/json :status 299\n return 1",
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(400);
      expect(response.all("content-type")).toEqual(["application/json"]);
    },
  );

  behaviour(
    "to HEAD: headers only, with the length of the body",
    { script: "on request_headers\n reply 403 '' denied -1\n return 1" },
    async (b) => {
      const client = await b.connect();
      const response = await client.exchange({ method: "HEAD" });
      expect(response.status).toBe(403);
      expect(response.header("content-length")).toBe("6");
      // The next answer on the connection starts right after the head: no body was sent.
      expect((await client.exchange({})).status).toBe(403);
      client.close();
    },
  );

  behaviour(
    "the callback's own result does not matter after it",
    { script: "on request_headers\n reply 403 '' no -1\n return 0" },
    async (b) => {
      expect((await b.exchange()).status).toBe(403);
      expect(b.upstream.requests).toHaveLength(0);
    },
  );

  behaviour(
    "the first of two wins",
    { script: "on request_headers\n a = reply 401 '' first -1\n b = reply 402 '' second -1\n return 1" },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(401);
      expect(await b.logged("b")).toBe("0");
    },
  );

  behaviour(
    "from the request it passes the own response callbacks, which may edit it",
    {
      script:
        "trace\non request_headers\n reply 403 '' no -1 x-mine 1\n return 1\non response_headers\n p = pairs 2\n add 2 x-seen 1",
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.header("x-seen")).toBe("1");
      expect(await b.logged("p")).toBe("0 :status=403|x-mine=1|content-length=2|content-type=text/plain");
      expect((await b.callbacks()).filter((name) => name.startsWith("response_"))).toContain("response_body");
    },
  );

  behaviour(
    "an earlier filter's reply is seen by its own response callbacks, not by later filters' request callbacks",
    {
      script: [
        "on request_headers\n reply 403 '' no -1\n return 1",
        "on request_headers\n reached = set yes",
      ],
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(403);
      expect(await b.allLogged("reached")).toEqual([]);
    },
  );

  behaviour(
    "a later filter's reply passes the response callbacks of earlier filters",
    {
      script: [
        "on response_headers\n s = get 2 :status\n add 2 x-first 1",
        "on request_headers\n reply 403 '' no -1\n return 1",
      ],
    },
    async (b) => {
      expect((await b.exchange()).header("x-first")).toBe("1");
      expect(await b.logged("s")).toBe("0 403");
    },
  );

  behaviour(
    "from the request body",
    { script: "on request_body\n when $eos 1 : reply 422 '' bad%20body -1\n return 1" },
    async (b) => {
      const response = await b.exchange({ method: "POST", body: "x" });
      expect(response.status).toBe(422);
      expect(response.text).toBe("bad body");
    },
  );

  behaviour(
    "from response headers: it replaces the answer and is not shown again",
    {
      script: "trace\non response_headers\n reply 500 '' hidden -1 x-mine 1\n return 1",
      upstream: (_, reply) => reply.send({ headers: [["x-upstream", "1"]], body: "secret" }),
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(500);
      expect(response.text).toBe("hidden");
      expect(response.header("x-mine")).toBe("1");
      expect(response.header("x-upstream")).toBeUndefined();
      await b.message((m) => m.startsWith("> delete"), "delete");
      expect((await b.callbacks()).filter((name) => name === "response_headers")).toHaveLength(1);
    },
  );

  behaviour(
    "from the response body after the headers have left: the client is cut off",
    {
      script: "on response_body\n reply 500 '' late -1\n return 1",
      upstream: (_, reply) => reply.send({ chunked: ["x"] }),
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(200);
      expect(response.complete).toBe(false);
    },
  );

  behaviour(
    "from a timer, on the effective context",
    {
      script: `
        on request_headers
          tick 10
          return 1
        on tick
          tick 0
          effective $stream
          reply 429 '' later -1`,
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(429);
      expect(response.text).toBe("later");
    },
  );

  behaviour(
    "on a root context it is Ok and does nothing",
    { script: "on request_headers\n tick 10\non tick\n tick 0\n s = reply 500 '' x -1" },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("s")).toBe("0");
    },
  );

  behaviour(
    "the status is not validated",
    { script: "on request_headers\n reply 799 '' x -1\n return 1" },
    async (b) => {
      expect((await b.exchange()).statusLine).toContain(" 799");
    },
  );

  behaviour(
    "a gRPC request gets 200, grpc-status and the body as grpc-message",
    { script: "on request_headers\n reply 403 '' not%20allowed 7\n return 1" },
    async (b) => {
      const response = await b.exchange({ method: "POST", headers: GRPC });
      expect(response.status).toBe(200);
      expect(response.header("content-type")).toBe("application/grpc");
      expect(response.header("grpc-status")).toBe("7");
      expect(response.header("grpc-message")).toBe("not allowed");
      expect(response.text).toBe("");
    },
  );

  for (const [http, grpc] of [
    [400, 13],
    [401, 16],
    [403, 7],
    [404, 12],
    [429, 14],
    [503, 14],
    [500, 2],
  ])
    behaviour(
      `a gRPC request without a grpc status: ${http} becomes ${grpc}`,
      { script: `on request_headers\n reply ${http} '' m -1\n return 1` },
      async (b) => {
        expect((await b.exchange({ method: "POST", headers: GRPC })).header("grpc-status")).toBe(
          String(grpc),
        );
      },
    );

  behaviour(
    "its details are the response code details, spaces made underscores",
    {
      script:
        "on request_headers\n reply 403 two%20words no -1\n return 1\non log\n d = prop response code_details",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("d")).toBe("0 two_words");
    },
  );

  behaviour(
    "the connection stays open for the next request",
    { script: "on request_headers\n reply 403 '' no -1\n return 1" },
    async (b) => {
      const client = await b.connect();
      expect((await client.exchange({})).status).toBe(403);
      expect((await client.exchange({})).status).toBe(403);
      client.close();
    },
  );
});
