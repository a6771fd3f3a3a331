import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { FrameType } from "../../support/h2-frames";
import type { RawClient } from "../../support/raw-client";
import type { UpstreamHandler } from "../../support/raw-upstream";
import { GET, oneRequest, POST, resetCode } from "../http2/support";

/** Logs what became of each stream. */
const FACTS = "on log\n details = prop response code_details\n flags = prop-int response flags";
const GRPC: [string, string][] = [["content-type", "application/grpc"]];

const silent: UpstreamHandler = () => {};
/** Begins an answer and does not go on. */
const begun: UpstreamHandler = (_, reply) => {
  reply.head(200, [["transfer-encoding", "chunked"]]);
  reply.chunk("begun");
};

/** A behaviour with limits in its connection manager, or in its route. */
function limits(manager: Json, route: Json = {}, more: Setup = {}): Setup {
  return {
    script: FACTS,
    manager,
    routes: (id) => [{ match: { prefix: "/" }, route: { cluster: id, ...route } }],
    upstream: silent,
    ...more,
  };
}

const common = (options: Json): Json => ({ common_http_protocol_options: options });

/** `details flags` of the first stream. */
async function facts(b: Behaviour): Promise<string> {
  const details = (await b.logged("details")).replace(/^0 /, "");
  return `${details} ${(await b.logged("flags")).replace(/^0 /, "")}`;
}

/** Flags as their bits. */
const NONE = 0;
const TIMEOUT = 1 << 2;
const SILENT = 1 << 16;
const DURATION = 1 << 19;

async function late(client: RawClient) {
  const response = await client.response();
  return `${response.status} ${response.text}`;
}

conformance("Timeouts of streams", ({ behaviour, proxy }) => {
  const http = (b: Behaviour, name: string) => proxy().stat(`http.${b.id}.downstream_rq_${name}`);

  behaviour(
    "stream_idle_timeout: 504 once the request is complete",
    limits({ stream_idle_timeout: "0.2s" }),
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([504, "stream timeout"]);
      expect(await facts(b)).toBe(`stream_idle_timeout ${SILENT}`);
      expect(await http(b, "idle_timeout")).toBe(1);
    },
  );

  behaviour(
    "stream_idle_timeout: 408 while the request is not complete, and each part of it counts anew",
    limits({ stream_idle_timeout: "0.9s" }),
    async (b) => {
      const client = await b.connect();
      const started = performance.now();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n1");
      for (const part of ["2", "3"]) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        client.write(part);
      }
      expect(await late(client)).toBe("408 stream timeout");
      expect(performance.now() - started).toBeGreaterThan(1700);
      await client.closed;
      expect(await facts(b)).toBe(`stream_idle_timeout ${SILENT}`);
    },
  );

  behaviour(
    "stream_idle_timeout: a response that has begun is cut",
    limits({ stream_idle_timeout: "0.8s" }, {}, { upstream: begun }),
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text, response.complete]).toEqual([200, "begun", false]);
      expect(await facts(b)).toBe(`stream_idle_timeout ${SILENT}`);
      expect(await http(b, "idle_timeout")).toBe(1);
    },
  );

  behaviour(
    "a route's idle_timeout takes the place of the manager's; 0 = none",
    {
      script: FACTS,
      manager: { stream_idle_timeout: "0.3s" },
      routes: (id) => [
        { match: { prefix: "/long" }, route: { cluster: id, idle_timeout: "0.9s" } },
        { match: { prefix: "/none" }, route: { cluster: id, idle_timeout: "0s", timeout: "1s" } },
        { match: { prefix: "/short" }, route: { cluster: id, idle_timeout: "0.05s" } },
      ],
      upstream: silent,
    },
    async (b) => {
      const started = performance.now();
      const after = async (path: string) => {
        const { text } = await b.exchange({ path });
        return [text, Math.floor((performance.now() - started) / 250)];
      };
      const all = await Promise.all(["/short", "/long", "/none"].map(after));
      expect(all.map(([text]) => text)).toEqual([
        "stream timeout",
        "stream timeout",
        "upstream request timeout",
      ]);
      expect(all[0]![1]).toBeLessThan(3);
      expect(all[1]![1]).toBeGreaterThanOrEqual(3);
    },
  );

  behaviour(
    "request_timeout: 408 when the request is not complete in time",
    limits({ request_timeout: "0.3s" }),
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n1");
      expect(await late(client)).toBe("408 request timeout");
      await client.closed;
      expect(await facts(b)).toBe(`request_overall_timeout ${NONE}`);
      expect(await http(b, "timeout")).toBe(1);
    },
  );

  behaviour(
    "request_timeout: nothing to a request that is complete, or answered before",
    limits(
      { request_timeout: "0.6s" },
      {},
      {
        upstream: async ({ path }, reply) => {
          if (path === "/early") reply.head(200, [["transfer-encoding", "chunked"]]);
          await new Promise((resolve) => setTimeout(resolve, 1000));
          if (path === "/early") reply.end();
          else reply.send({ body: "late" });
        },
      },
    ),
    async (b) => {
      expect((await b.exchange({ method: "POST", body: "all" })).text).toBe("late");
      const client = await b.connect();
      client.write("POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n1");
      const response = await client.response();
      expect([response.status, response.complete]).toEqual([200, true]);
      expect(await http(b, "timeout")).toBe(0);
    },
  );

  behaviour(
    "request_timeout: counts from the first byte of the head",
    limits({ request_timeout: "1s" }),
    async (b) => {
      const client = await b.connect();
      const started = performance.now();
      client.write("POST / HTTP/1.1\r\nhost: ");
      await new Promise((resolve) => setTimeout(resolve, 700));
      client.write("a\r\ncontent-length: 5\r\n\r\n1");
      expect(await late(client)).toBe("408 request timeout");
      expect(performance.now() - started).toBeLessThan(1650);
    },
  );

  for (const [name, manager, answer, details, flags, stat] of [
    [
      "request_headers_timeout",
      { request_headers_timeout: "0.8s" },
      "408 request header timeout",
      "request_header_timeout",
      NONE,
      "header_timeout",
    ],
    [
      "request_timeout",
      { request_timeout: "0.8s" },
      "408 request timeout",
      "request_overall_timeout",
      NONE,
      "timeout",
    ],
    [
      "stream_idle_timeout",
      { stream_idle_timeout: "0.8s" },
      "408 stream timeout",
      "stream_idle_timeout",
      SILENT,
      "idle_timeout",
    ],
    [
      "max_stream_duration",
      common({ max_stream_duration: "0.8s" }),
      "408 downstream duration timeout",
      "max_duration_timeout",
      NONE,
      "max_duration_reached",
    ],
  ] as const)
    behaviour(
      `${name}: the head of a request that does not end`,
      limits(manager, {}, { upstream: (_, reply) => reply.send({ body: "ok" }) }),
      async (b) => {
        const client = await b.connect();
        // A whole request first: the next one counts from its own first byte.
        expect((await client.exchange({})).text).toBe("ok");
        await new Promise((resolve) => setTimeout(resolve, 300));
        client.write("GET / HTTP/1.1\r\nhost: ");
        expect(await late(client)).toBe(answer);
        await client.closed;
        expect((await b.allLogged("details")).at(-1)).toBe(`0 ${details}`);
        expect((await b.allLogged("flags")).at(-1)).toBe(`0 ${flags}`);
        expect(await http(b, stat)).toBe(1);
        expect(await http(b, "total")).toBe(2);
      },
    );

  behaviour(
    "max_stream_duration: 504, to gRPC DEADLINE_EXCEEDED",
    limits(common({ max_stream_duration: "0.2s" })),
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([504, "downstream duration timeout"]);
      expect(await facts(b)).toBe(`max_duration_timeout ${NONE}`);
      const grpc = await b.exchange({ headers: GRPC });
      expect([grpc.status, grpc.header("grpc-status"), grpc.header("grpc-message")]).toEqual([
        200,
        "4",
        "downstream duration timeout",
      ]);
      expect(await http(b, "max_duration_reached")).toBe(2);
    },
  );

  behaviour(
    "max_stream_duration: a response that has begun is cut",
    limits(common({ max_stream_duration: "0.8s" }), {}, { upstream: begun }),
    async (b) => {
      const response = await b.exchange();
      expect([response.text, response.complete]).toEqual(["begun", false]);
      expect(await facts(b)).toBe(`max_duration_timeout ${NONE}`);
    },
  );

  behaviour(
    "a route's max_stream_duration takes the place of the manager's and of its own timeout",
    {
      script: FACTS,
      manager: common({ max_stream_duration: "0.3s" }),
      routes: (id) => [
        {
          match: { prefix: "/short" },
          route: { cluster: id, max_stream_duration: { max_stream_duration: "0.1s" } },
        },
        {
          match: { prefix: "/none" },
          route: {
            cluster: id,
            timeout: "0.1s",
            idle_timeout: "0.7s",
            max_stream_duration: { max_stream_duration: "0s" },
          },
        },
        { match: { prefix: "/" }, route: { cluster: id, timeout: "0.1s", max_stream_duration: {} } },
      ],
      upstream: silent,
    },
    async (b) => {
      const text = async (path: string) => (await b.exchange({ path })).text;
      expect(await Promise.all(["/short", "/none", "/"].map(text))).toEqual([
        "downstream duration timeout",
        "stream timeout",
        "downstream duration timeout",
      ]);
      expect(b.upstream.requests.map((r) => r.header("x-envoy-expected-rq-timeout-ms"))).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    },
  );
});

conformance("Timeouts of streams over HTTP/2", ({ behaviour, proxy }) => {
  const over2 = (manager: Json, more: Setup = {}) => limits({ codec_type: "HTTP2", ...manager }, {}, more);

  behaviour(
    "stream_idle_timeout: 408 to a request that does not end",
    over2({ stream_idle_timeout: "0.3s" }),
    async (b) => {
      expect((await oneRequest(b, POST, false)).map(({ type }) => type)).toEqual([
        FrameType.Headers,
        FrameType.Data,
      ]);
      expect(await facts(b)).toBe(`stream_idle_timeout ${SILENT}`);
    },
  );

  behaviour(
    "max_stream_duration: a response that has begun is reset",
    over2(common({ max_stream_duration: "0.8s" }), { upstream: begun }),
    async (b) => {
      expect(resetCode(await oneRequest(b, GET))).toBe(2);
      expect(await facts(b)).toBe(`max_duration_timeout ${NONE}`);
    },
  );

  behaviour("request_timeout", over2({ request_timeout: "0.3s" }), async (b) => {
    await oneRequest(b, POST, false);
    expect(await facts(b)).toBe(`request_overall_timeout ${NONE}`);
    expect(await proxy().stat(`http.${b.id}.downstream_rq_timeout`)).toBe(1);
  });

  behaviour(
    "a client that does not take the end of its answer is not waited for longer than stream_idle_timeout",
    over2(
      { stream_idle_timeout: "0.5s" },
      { upstream: (_, reply) => reply.send({ body: "x".repeat(100_000) }) },
    ),
    async (b) => {
      const frames = await oneRequest(b, GET);
      expect(resetCode(frames)).toBe(2);
      // As much as the window of a stream takes.
      const taken = frames.filter(({ type }) => type === FrameType.Data).map(({ payload }) => payload.length);
      expect(taken.reduce((sum, n) => sum + n, 0)).toBe(65_535);
      expect(await proxy().stat("http2.tx_flush_timeout")).toBe(1);
      expect(await facts(b)).toBe(`via_upstream ${NONE}`);
    },
  );
});

conformance("Timeouts of routes", ({ behaviour, proxy }) => {
  const cluster = (b: Behaviour, name: string) => proxy().stat(`cluster.${b.id}.upstream_rq_${name}`);

  behaviour("timeout: 504, counted", limits({}, { timeout: "0.2s" }), async (b) => {
    const response = await b.exchange();
    expect([response.status, response.text]).toEqual([504, "upstream request timeout"]);
    expect(await facts(b)).toBe(`response_timeout ${TIMEOUT}`);
    expect(await cluster(b, "timeout")).toBe(1);
    expect(await cluster(b, "504")).toBe(1);
    const grpc = await b.exchange({ headers: GRPC });
    expect([grpc.status, grpc.header("grpc-status")]).toEqual([200, "14"]);
  });

  behaviour(
    "timeout: an answer that has begun is cut",
    limits({}, { timeout: "0.8s" }, { upstream: begun }),
    async (b) => {
      const response = await b.exchange();
      expect([response.text, response.complete]).toEqual(["begun", false]);
      expect(await facts(b)).toBe(`response_timeout ${TIMEOUT}`);
      expect(await cluster(b, "timeout")).toBe(1);
      expect(await cluster(b, "504")).toBe(0);
    },
  );

  behaviour(
    "timeout while a retry waits is not counted",
    limits(
      {},
      {
        timeout: "0.3s",
        retry_policy: {
          retry_on: "5xx",
          retry_back_off: { base_interval: "600s", max_interval: "600s" },
        },
      },
      { upstream: (_, reply) => reply.send({ status: 503 }) },
    ),
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([504, "upstream request timeout"]);
      expect(await facts(b)).toBe(`response_timeout ${TIMEOUT}`);
      expect(await cluster(b, "timeout")).toBe(0);
      expect(await cluster(b, "504")).toBe(0);
    },
  );

  behaviour(
    "per_try_idle_timeout: each part of the response counts anew",
    limits(
      {},
      { retry_policy: { retry_on: "5xx", num_retries: 1, per_try_idle_timeout: "0.8s" } },
      {
        upstream: async ({ path }, reply) => {
          if (path === "/silent") return;
          reply.head(200, [["transfer-encoding", "chunked"]]);
          for (const part of ["1", "2", "3"]) {
            reply.chunk(part);
            await new Promise((resolve) => setTimeout(resolve, 350));
          }
          if (path === "/whole") reply.end();
        },
      },
    ),
    async (b) => {
      const whole = await b.exchange({ path: "/whole" });
      expect([whole.text, whole.complete]).toEqual(["123", true]);
      const cut = await b.exchange({ path: "/cut" });
      expect([cut.text, cut.complete]).toEqual(["123", false]);
      const none = await b.exchange({ path: "/silent" });
      expect([none.status, none.text]).toEqual([504, "upstream request timeout"]);
      expect(await b.allLogged("details")).toEqual([
        "0 via_upstream",
        "0 upstream_per_try_idle_timeout",
        "0 upstream_per_try_idle_timeout",
      ]);
      expect(await b.allLogged("flags")).toEqual(["0 0", `0 ${TIMEOUT}`, `0 ${TIMEOUT | (1 << 15)}`]);
      expect(await cluster(b, "per_try_idle_timeout")).toBe(3);
      expect(await cluster(b, "per_try_timeout")).toBe(0);
    },
  );

  behaviour(
    "a cluster's max_stream_duration counts for each attempt",
    limits(
      {},
      { retry_policy: { retry_on: "reset", num_retries: 1 } },
      {
        cluster: {
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http_protocol_options: {} },
              common_http_protocol_options: { max_stream_duration: "0.6s" },
            },
          },
        },
        upstream: (request, reply) => {
          if (request.path === "/begun") return begun(request, reply);
        },
      },
    ),
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([504, "upstream max stream duration reached"]);
      expect(b.upstream.requests).toHaveLength(2);
      expect(await facts(b)).toBe(`upstream_max_stream_duration_reached ${DURATION | (1 << 15)}`);
      expect(await cluster(b, "max_duration_reached")).toBe(2);
      const cut = await b.exchange({ path: "/begun" });
      expect([cut.text, cut.complete]).toEqual(["begun", false]);
      expect((await b.allLogged("flags")).at(-1)).toBe(`0 ${DURATION}`);
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n1");
      expect(await late(client)).toBe("408 upstream max stream duration reached");
    },
  );
});

conformance("Timeouts of gRPC", ({ behaviour }) => {
  const grpc = (timeout?: string): [string, string][] => [
    ...GRPC,
    ...(timeout === undefined ? [] : ([["grpc-timeout", timeout]] as [string, string][])),
  ];
  /** What a host is told, for what a client asks. */
  const told = async (b: Behaviour, timeout?: string, headers = grpc(timeout)) => {
    const { length } = b.upstream.requests;
    await b.exchange({ method: "POST", headers });
    const request = b.upstream.requests[length]!;
    return `${request.header("grpc-timeout")} ${request.header("x-envoy-expected-rq-timeout-ms")}`;
  };
  const answering: Setup = { upstream: (_, reply) => reply.send({ headers: [["grpc-status", "0"]] }) };

  behaviour(
    "nothing configured: passed on, and the route's timeout counts",
    limits({}, {}, answering),
    async (b) => {
      expect(await told(b, "5S")).toBe("5S 15000");
      expect(await told(b)).toBe("undefined 15000");
    },
  );

  behaviour(
    "max_grpc_timeout with grpc_timeout_offset",
    limits({}, { max_grpc_timeout: "10s", grpc_timeout_offset: "1s" }, answering),
    async (b) => {
      expect(await told(b, "5S")).toBe("4000m 4000");
      expect(await told(b, "60S")).toBe("10000m 10000");
      expect(await told(b, "1S")).toBe("1000m 1000");
      expect(await told(b)).toBe("10000m 10000");
      expect(await told(b, "soon")).toBe("10000m 10000");
      expect(await told(b, "0m")).toBe("10000m 10000");
      expect(await told(b, undefined, [["grpc-timeout", "5S"]])).toBe("5S 15000");
    },
  );

  behaviour(
    "max_grpc_timeout 0: as long as the client says",
    limits({}, { max_grpc_timeout: "0s" }, answering),
    async (b) => {
      expect(await told(b, "3H")).toBe("10800000m 10800000");
      expect(await told(b)).toBe("undefined undefined");
      expect(await told(b, "99999999H")).toBe("99999999H 359999996400000");
    },
  );

  behaviour(
    "max_grpc_timeout: the attempt's own limit is what the host is told",
    limits(
      {},
      { max_grpc_timeout: "10s", retry_policy: { retry_on: "5xx", per_try_timeout: "2s" } },
      answering,
    ),
    async (b) => expect(await told(b, "5S")).toBe("2000m 2000"),
  );

  behaviour("max_grpc_timeout: it counts", limits({}, { max_grpc_timeout: "10s" }), async (b) => {
    const response = await b.exchange({ method: "POST", headers: grpc("200m") });
    expect([response.header("grpc-status"), response.header("grpc-message")]).toEqual([
      "14",
      "upstream request timeout",
    ]);
    expect(await facts(b)).toBe(`response_timeout ${TIMEOUT}`);
  });

  behaviour(
    "grpc_timeout_header_max with its offset",
    limits(
      {},
      {
        max_stream_duration: {
          max_stream_duration: "30s",
          grpc_timeout_header_max: "10s",
          grpc_timeout_header_offset: "1s",
        },
      },
      answering,
    ),
    async (b) => {
      expect(await told(b, "5S")).toBe("4000m undefined");
      expect(await told(b, "60S")).toBe("9000m undefined");
      expect(await told(b)).toBe("30000m undefined");
      expect(await told(b, undefined, [["grpc-timeout", "5S"]])).toBe("5S undefined");
      const none = await b.exchange({ method: "POST", headers: grpc("1S") });
      expect([none.header("grpc-status"), none.header("grpc-message")]).toEqual([
        "4",
        "downstream duration timeout",
      ]);
    },
  );

  behaviour(
    "grpc_timeout_header_max 0: as long as the client says; without a duration there is none",
    limits({}, { max_stream_duration: { grpc_timeout_header_max: "0s" } }, answering),
    async (b) => {
      expect(await told(b, "60S")).toBe("60000m undefined");
      expect(await told(b)).toBe("undefined undefined");
      expect(await told(b, "1500u")).toBe("2m undefined");
    },
  );

  behaviour(
    "grpc_timeout_header_max: it counts",
    limits({}, { max_stream_duration: { grpc_timeout_header_max: "10s" } }),
    async (b) => {
      const response = await b.exchange({ method: "POST", headers: grpc("200m") });
      expect([response.header("grpc-status"), response.header("grpc-message")]).toEqual([
        "4",
        "downstream duration timeout",
      ]);
      expect(await facts(b)).toBe(`max_duration_timeout ${NONE}`);
    },
  );
});
