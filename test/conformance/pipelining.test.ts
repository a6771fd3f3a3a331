import { expect } from "vitest";
import { conformance } from "../support/conformance";

const HOST = "Host: a.com\r\n";
const get = (path: string) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`;
const post = (path: string, headers: string, body: string) =>
  `POST ${path} HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;

conformance("Several requests on one connection", ({ behaviour }) => {
  behaviour(
    "pipelined requests are served one after the other",
    {
      script: "on request_headers\n seen = get 0 :path\non response_headers\n sent = get 2 :status",
      upstream: (request, reply) => reply.send({ body: request.path }),
    },
    async (b) => {
      const client = await b.connect();
      client.write(get("/first") + get("/second") + get("/third"));
      for (const path of ["/first", "/second", "/third"]) expect((await client.response()).text).toBe(path);
      expect((await b.messages()).filter((m) => !m.startsWith(">"))).toEqual(
        ["/first", "/second", "/third"].flatMap((path) => [`seen=0 ${path}`, "sent=0 200"]),
      );
      expect(b.upstream.connections).toBe(1);
      client.close();
    },
  );

  behaviour("more requests at once than are kept waiting", {}, async (b) => {
    const client = await b.connect();
    const paths = Array.from({ length: 200 }, (_, i) => `/${i}`);
    client.write(paths.map(get).join(""));
    for (const _ of paths) expect((await client.response()).text).toBe("ok");
    expect(b.upstream.requests.map((request) => request.path)).toEqual(paths);
    client.close();
  });

  // What stands behind a message that nobody can frame may be part of it: request smuggling.
  const REFUSED: Readonly<Record<string, [status: number, request: string]>> = {
    "another transfer-encoding": [501, post("/", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")],
    "two transfer-encodings": [
      501,
      post("/", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ],
    "an empty transfer-encoding": [501, post("/", "Transfer-Encoding:\r\n", "")],
    "both framings": [400, post("/", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
    "a nominated pseudo-header": [400, `GET / HTTP/1.1\r\n${HOST}Connection: :path\r\n\r\n`],
    "a nominated host": [400, `GET / HTTP/1.1\r\n${HOST}Connection: host\r\n\r\n`],
    "HTTP/1.0": [426, `GET / HTTP/1.0\r\n${HOST}\r\n`],
  };
  for (const [what, [status, request]] of Object.entries(REFUSED))
    behaviour(`a refused request is the last one of its connection: ${what}`, {}, async (b) => {
      const client = await b.connect();
      client.write(request + get("/smuggled"));
      const response = await client.response();
      expect([response.status, response.header("connection")]).toEqual([status, "close"]);
      await client.closed;
      expect(b.upstream.requests).toEqual([]);
    });

  behaviour(
    "a filter's own reply to an unread body ends the connection",
    { script: "on request_headers\n seen = get 0 :path\n reply 403 '' denied -1\n return 1" },
    async (b) => {
      const client = await b.connect();
      client.write(`${post("/denied", "Content-Length: 3\r\n", "abc")}${get("/smuggled")}`);
      const response = await client.response();
      expect([response.status, response.header("connection")]).toEqual([403, "close"]);
      await client.closed;
      expect(await b.allLogged("seen")).toEqual(["0 /denied"]);
    },
  );

  behaviour("what follows connection: close is not looked at", {}, async (b) => {
    for (const more of [get("/more"), "\xff no HTTP\r\n\r\n"]) {
      const client = await b.connect();
      client.write(`GET /last HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n${more}`);
      expect((await client.response()).status).toBe(200);
      await client.closed;
    }
    expect(b.upstream.requests.map((request) => request.path)).toEqual(["/last", "/last"]);
  });

  behaviour("bytes that are no HTTP cost no request before them its answer", {}, async (b) => {
    const client = await b.connect();
    client.write(`${post("/", "Content-Length: 3\r\n", "abc")}${get("/")}\xff no HTTP\r\n\r\n`);
    const statuses: [number, string | undefined][] = [];
    for (let i = 0; i < 3; i++) {
      const response = await client.response();
      statuses.push([response.status, response.header("connection")]);
    }
    expect(statuses).toEqual([
      [200, undefined],
      [200, undefined],
      [400, "close"],
    ]);
    await client.closed;
  });

  behaviour("a body that breaks off is answered in its turn", {}, async (b) => {
    const client = await b.connect();
    client.write(get("/") + post("/", "Transfer-Encoding: chunked\r\n", "zz\r\n"));
    expect((await client.response()).status).toBe(200);
    const response = await client.response();
    expect([response.status, response.header("connection")]).toEqual([400, "close"]);
    await client.closed;
  });

  behaviour("CONNECT is answered in its turn", {}, async (b) => {
    const client = await b.connect();
    client.write(`${get("/")}CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`);
    expect((await client.response()).status).toBe(200);
    expect((await client.response()).status).toBe(404);
    client.close();
  });

  behaviour("trailers beyond the limit of headers: 431", {}, async (b) => {
    const client = await b.connect();
    const trailers = `x: ${"a".repeat(70_000)}\r\n`;
    client.write(post("/", "Transfer-Encoding: chunked\r\n", `1\r\na\r\n0\r\n${trailers}\r\n`));
    expect((await client.response()).status).toBe(431);
    client.close();
  });

  behaviour("half a request and the end of the connection: no answer", {}, async (b) => {
    for (const half of ["GET / HTTP/1.1\r\nHos", post("/", "Content-Length: 9\r\n", "abc")]) {
      const client = await b.connect();
      client.socket.end(half);
      await expect(client.bytes()).rejects.toThrow('connection closed after ""');
      await client.closed;
    }
  });

  behaviour(
    "connection: content-length takes the header away, not the body",
    {
      upstream: async (request, reply) => reply.send({ body: await request.body() }),
    },
    async (b) => {
      const client = await b.connect();
      client.write(post("/", "Content-Length: 3\r\nConnection: content-length\r\n", "abc"));
      expect((await client.response()).text).toBe("abc");
      expect(b.upstream.requests[0]!.header("content-length")).toBeUndefined();
      client.close();
    },
  );
});
