import { both, LogUnderTest, settled } from "../../support/access-logs";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import type { RawClient } from "../../support/raw-client";

const METADATA = { ns: { text: "v", number: 1.5, map: { z: 1, a: "b" } } };

const to = (id: string, more: Json = {}, match: Json = { prefix: "/" }): Json => ({
  name: "the-route",
  match,
  route: { cluster: id, ...more },
  metadata: { filter_metadata: METADATA },
});

interface Kind extends Setup {
  run?: (b: Behaviour) => Promise<unknown>;
  lines?: number;
  /** Fields that are not the same, see docs/envoy-differences.md. */
  differs?: readonly string[];
}

const reset = async (b: Behaviour, request: Parameters<RawClient["send"]>[0], when: Promise<unknown>) => {
  const client = await b.connect();
  client.send(request);
  await when;
  client.close();
};

/** Envoy adds those of earlier attempts twice. */
const RETRIED = ["UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED"];

const KINDS: Readonly<Record<string, Kind>> = {
  get: {},
  "get with everything": {
    cluster: { metadata: { filter_metadata: METADATA }, alt_stat_name: "other" },
    run: (b) =>
      b.exchange({
        path: "/a/b?q=1&x=%41",
        headers: [
          ["user-agent", 'curl "quoted" \\ back'],
          ["x-forwarded-for", "1.2.3.4"],
        ],
      }),
  },
  post: { run: (b) => b.exchange({ method: "POST", body: "hello world" }) },
  "post chunked": {
    differs: ["DOWNSTREAM_WIRE_BYTES_RECEIVED"],
    run: (b) => b.exchange({ method: "POST", chunked: ["hello", "world"] }),
  },
  head: { run: (b) => b.exchange({ method: "HEAD" }) },
  "no content": { upstream: (_, reply) => reply.send({ status: 204 }) },
  // One chunk: Envoy may pass two that come together on as one.
  "chunked response": {
    upstream: (_, reply) => reply.send({ chunked: ["onetwo"], headers: [["content-type", "text/x"]] }),
  },
  "direct response": {
    routes: () => [
      { match: { prefix: "/" }, direct_response: { status: 418, body: { inline_string: "teapot" } } },
    ],
  },
  redirect: { routes: () => [{ match: { prefix: "/" }, redirect: { path_redirect: "/x" } }] },
  "no route": { routes: () => [] },
  "no cluster": { routes: () => [{ match: { prefix: "/" }, route: { cluster_header: "x-cluster" } }] },
  "no host": { routes: () => [to("empty")] },
  refused: { dead: true },
  "closed before headers": { upstream: (_, reply) => reply.abort() },
  "cut body": {
    upstream: (_, reply) => {
      reply.head(200, [["content-length", "10"]]);
      reply.raw("abc");
      setTimeout(() => reply.socket.destroy(), 20);
    },
    run: async (b) => {
      const client = await b.connect();
      client.send({});
      await client.closed;
    },
  },
  garbage: { upstream: (_, reply) => reply.raw("GARBAGE\r\n\r\n") },
  timeout: { routes: (id) => [to(id, { timeout: "0.05s" })], upstream: () => {} },
  "per try timeout": {
    differs: ["UPSTREAM_CONNECTION_IDS_ATTEMPTED"],
    routes: (id) => [
      to(id, { timeout: "1s", retry_policy: { retry_on: "5xx", num_retries: 1, per_try_timeout: "0.05s" } }),
    ],
    upstream: () => {},
  },
  retried: {
    differs: RETRIED,
    routes: (id) => [to(id, { retry_policy: { retry_on: "5xx", num_retries: 2 } })],
    upstream: (request, reply) =>
      reply.send({ status: request.header("x-envoy-attempt-count") === "1" ? 503 : 200 }),
    virtualHost: { include_request_attempt_count: true },
  },
  "retries exhausted": {
    differs: RETRIED,
    routes: (id) => [to(id, { retry_policy: { retry_on: "5xx", num_retries: 1 } })],
    upstream: (_, reply) => reply.send({ status: 503 }),
  },
  overflow: { cluster: { circuit_breakers: { thresholds: [{ max_requests: 0 }] } } },
  "client gone": {
    upstream: () => {},
    run: (b) => reset(b, { path: "/x" }, b.upstream.request()),
  },
  "client gone in the body": {
    upstream: (_, reply) => {
      reply.head(200, [["content-length", "10"]]);
      reply.raw("abc");
    },
    run: async (b) => {
      const client = await b.connect();
      client.send({});
      await client.head();
      client.close();
    },
  },
  "bad request": {
    differs: ["DOWNSTREAM_WIRE_BYTES_RECEIVED"],
    run: async (b) => {
      const c = await b.connect();
      c.write("GET / HTTP/1.1\r\nbad header\r\n\r\n");
      await c.response();
    },
  },
  "upgrade refused": {
    differs: ["COMMON_DURATION", "REQUEST_DURATION", "to DS_RX_END", "REQUEST_HEADERS_BYTES"],
    run: (b) =>
      b.exchange({
        headers: [
          ["connection", "upgrade"],
          ["upgrade", "websocket"],
        ],
      }),
  },
  bare: { run: (b) => b.exchange({ headers: [["x-request-id", ""]] }) },
  "absolute path": {
    differs: ["ROUTE_RESOLUTION_COUNT", "ROUTE_RESOLUTION_TIME_US", "server name"],
    run: (b) => b.exchange({ path: "*", method: "OPTIONS" }),
  },
  rewritten: {
    routes: (id) => [to(id, { prefix_rewrite: "/new/" }, { prefix: "/" })],
    run: (b) => b.exchange({ path: "/old?q=2" }),
  },
  "second on a connection": {
    lines: 2,
    run: async (b) => {
      const client = await b.connect();
      await client.exchange({});
      await client.exchange({ path: "/second" });
    },
  },
  "filter answers": { script: "on request_headers\n reply 403 denied 'no entry' -1" },
  "filter state": { script: "on request_headers\n set-prop a value" },
  continue: {
    run: async (b) => {
      const c = await b.connect();
      c.write("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi");
      await c.response();
    },
  },
  "answered early": {
    upstream: (_, reply) => reply.send({ status: 413 }),
    run: async (b) => {
      const c = await b.connect();
      c.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\nhi");
      await c.response();
      c.close();
    },
  },
};

conformance(
  "Access logs",
  ({ behaviour, engine }) => {
    for (const [name, kind] of Object.entries(KINDS)) {
      const log = new LogUnderTest();
      const { run, lines = 1, differs, ...setup } = kind;
      behaviour(
        name,
        {
          ...setup,
          routes: setup.routes ?? ((id) => [to(id)]),
          manager: { ...setup.manager, access_log: [log.entry()] },
        },
        async (b) => {
          await (run ? run(b) : b.exchange());
          const ports = { "<listener>": b.port, "<host>": b.upstream.port };
          const entries = (await log.entries(lines)).map((entry) => settled(entry, ports));
          both(`http1: ${name}`, engine.name, entries, differs);
        },
      );
    }
  },
  { logFlushMs: 20 },
);
