import { expect } from "vitest";
import { conformance } from "../support/conformance";
import { percent } from "../support/guest-bytes";

conformance("Properties of requests and responses, closer", ({ behaviour }) => {
  behaviour(
    "request.headers: host means :authority, names are lower-cased, nothing is below a header",
    {
      script: `
        on request_headers
          host = prop request headers HOST
          authority = prop request headers :authority
          below = prop request headers x-a more
          cookies = prop request headers Cookie
          empty = prop request headers x-empty
          nameless = prop request headers '' ''`,
    },
    async (b) => {
      await b.exchange({
        host: "h.example",
        headers: [
          ["x-a", "1"],
          ["cookie", "a=1"],
          ["cookie", "b=2"],
          ["x-empty", ""],
        ],
      });
      expect(await b.logged("host")).toBe("0 h.example");
      expect(await b.logged("authority")).toBe("0 h.example");
      expect(await b.logged("below")).toBe("1");
      expect(await b.logged("cookies")).toBe("0 a=1,b=2");
      expect(await b.logged("empty")).toBe("0");
      expect(await b.logged("nameless")).toBe("1");
    },
  );

  behaviour(
    "bytes above 127 in a header come as they are",
    { script: "on request_headers\n header = prop request headers x-a" },
    async (b) => {
      const client = await b.connect();
      client.socket.end(Buffer.from("GET / HTTP/1.1\r\nhost: h\r\nx-a: \xff\xfe\r\n\r\n", "latin1"));
      expect(await b.logged("header")).toBe("0 %FF%FE");
      client.close();
    },
  );

  behaviour(
    "request.url_path ends at the question mark, query at the hash",
    {
      script: `
        on request_headers
          replace 0 :path /p#f?q#g
          path = prop request path
          url = prop request url_path
          query = prop request query
          replace 0 :path /p?
          empty = prop request query
          replace 0 :path /p?a?b
          second = prop request query
          replace 0 :path /`,
    },
    async (b) => {
      await b.exchange({ path: "/p" });
      expect(await b.logged("path")).toBe("0 /p#f?q#g");
      expect(await b.logged("url")).toBe("0 /p#f");
      expect(await b.logged("query")).toBe("0 q");
      expect(await b.logged("empty")).toBe("0");
      expect(await b.logged("second")).toBe("0 a?b");
    },
  );

  behaviour(
    "request.size is the declared length while headers are live, then what has come; a length that is no number is none",
    {
      script: `
        on request_headers
          declared = prop-int request size
          total = prop-int request total_size
          bytes = prop-int request headers_bytes
          replace 0 content-length x
          broken = prop-int request size
          replace 0 content-length 5
        on request_body
          so-far = prop-int request size
          body-total = prop-int request total_size
          body-bytes = prop-int request headers_bytes
        on log
          log-total = prop-int request total_size`,
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "12345" });
      expect(await b.logged("declared")).toBe("0 5");
      expect(await b.logged("broken")).toBe("1");
      const bytes = Number((await b.logged("bytes")).slice(2));
      expect(bytes).toBeGreaterThan(0);
      expect(await b.logged("total")).toBe(`0 ${bytes}`);
      expect(await b.logged("so-far")).toBe("0 5");
      expect(await b.logged("body-total")).toBe("0 5");
      expect(await b.logged("body-bytes")).toBe("0 0");
      expect(Number((await b.logged("log-total")).slice(2))).toBeGreaterThanOrEqual(bytes + 5);
    },
  );

  behaviour(
    "response.grpc_status: of the header while it is live, else what the HTTP status stands for",
    {
      script: `
        on request_headers
          before = prop-int response grpc_status
        on response_headers
          live = prop-int response grpc_status
        on response_body
          gone = prop-int response grpc_status
        on log
          logged = prop-int response grpc_status`,
      upstream: (_, reply) => reply.send({ status: 200, headers: [["grpc-status", "5"]], body: "hello" }),
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("before")).toBe("1");
      expect(await b.logged("live")).toBe("0 5");
      expect(await b.logged("gone")).toBe("0 2");
      expect(await b.logged("logged")).toBe("0 5");
    },
  );

  for (const [text, status] of [
    ["-1", "0 -1"],
    ["17", "0 -1"],
    ["16", "0 16"],
    ["x", "0 -1"],
    ["4294967296", "0 -1"],
    ["", "0 2"],
  ] as const)
    behaviour(
      `response.grpc_status of the header value "${text}"`,
      {
        script: "on response_headers\n status = prop-int response grpc_status",
        upstream: (_, reply) => reply.send({ status: 200, headers: [["grpc-status", text]] }),
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("status")).toBe(status);
      },
    );

  behaviour(
    "response.headers is an empty map when no response is live, a header of it NotFound",
    {
      script: `
        on request_headers
          map = prop response headers
          one = prop response headers x-up
          trailers = prop response trailers
          size = prop-int response size
          flags = prop-int response flags
        on response_body
          gone = prop response headers x-up
        on log
          logged = prop response headers x-up`,
      upstream: (_, reply) => reply.send({ status: 200, headers: [["x-up", "1"]], body: "hello" }),
    },
    async (b) => {
      await b.exchange();
      const empty = `0 ${percent(Buffer.alloc(4))}`;
      expect(await b.logged("map")).toBe(empty);
      expect(await b.logged("one")).toBe("1");
      expect(await b.logged("trailers")).toBe(empty);
      expect(await b.logged("size")).toBe("0 0");
      expect(await b.logged("flags")).toBe("0 0");
      expect(await b.logged("gone")).toBe("1");
      expect(await b.logged("logged")).toBe("0 1");
    },
  );
});
