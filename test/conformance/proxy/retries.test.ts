import { expect, vi } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import type { RawRequest } from "../../support/raw-client";
import type { UpstreamHandler } from "../../support/raw-upstream";

/** Fast back-off, so that a retry is soon there. */
const SOON = { retry_back_off: { base_interval: "0.001s", max_interval: "0.002s" } };

/** A route with a retry policy to the behaviour's cluster, which answers attempt after attempt by the list. */
function retrying(
  policy: Json,
  answers: readonly (number | "close" | UpstreamHandler)[],
  more: Setup = {},
): Setup {
  let attempt = 0;
  return {
    routes: (id) => [
      { match: { prefix: "/" }, route: { cluster: id, retry_policy: { ...SOON, ...policy } } },
    ],
    virtualHost: { include_request_attempt_count: true, include_attempt_count_in_response: true },
    upstream: (request, reply) => {
      const answer = answers[attempt++ % answers.length]!;
      if (typeof answer === "function") return answer(request, reply);
      if (answer === "close") return void reply.socket.destroy();
      reply.send({ status: answer, body: `attempt ${attempt}` });
    },
    ...more,
  };
}

/** What the client gets, and how often the upstream was asked. */
async function outcome(b: Behaviour, request: RawRequest = {}) {
  const before = b.upstream.requests.length;
  const response = await b.exchange(request);
  return { status: response.status, hits: b.upstream.requests.length - before, response };
}

conformance("Retries", ({ behaviour, proxy }) => {
  const stats = async (b: Behaviour) => {
    const names = ["retry", "retry_success", "retry_limit_exceeded", "retry_overflow", "per_try_timeout"];
    const values = names.map((name) => proxy().stat(`cluster.${b.id}.upstream_rq_${name}`));
    return (await Promise.all(values)).join(" ");
  };

  behaviour(
    "5xx: until it works",
    retrying({ retry_on: "5xx", num_retries: 3 }, [503, 500, 200]),
    async (b) => {
      const { status, hits, response } = await outcome(b);
      expect([status, hits, response.text]).toEqual([200, 3, "attempt 3"]);
      expect(response.header("x-envoy-attempt-count")).toBe("3");
      const counts = b.upstream.requests.map((request) => request.header("x-envoy-attempt-count"));
      expect(counts).toEqual(["1", "2", "3"]);
      expect(await stats(b)).toBe("2 1 0 0 0");
      expect(await proxy().stat(`cluster.${b.id}.retry.upstream_rq_5xx`)).toBe(2);
      expect(await proxy().stat(`cluster.${b.id}.retry.upstream_rq_503`)).toBe(1);
      expect(await proxy().stat(`cluster.${b.id}.upstream_rq_200`)).toBe(1);
      expect(await proxy().stat(`cluster.${b.id}.upstream_rq_503`)).toBe(0);
    },
  );

  behaviour(
    "when the retries are used up the last answer passes",
    retrying({ retry_on: "5xx", num_retries: 2 }, [503, 503, 500]),
    async (b) => {
      const { status, hits, response } = await outcome(b);
      expect([status, hits, response.text]).toEqual([500, 3, "attempt 3"]);
      expect(await stats(b)).toBe("2 0 1 0 0");
    },
  );

  behaviour(
    "one retry by default, of a whole body and its trailers",
    {
      ...retrying({ retry_on: "gateway-error" }, [
        async ({ message }, reply) => {
          await message;
          reply.send({ status: 502 });
        },
        200,
      ]),
    },
    async (b) => {
      const { status, hits } = await outcome(b, { method: "POST", chunked: ["one", "two"] });
      expect([status, hits]).toEqual([200, 2]);
      const bodies = await Promise.all(b.upstream.requests.map((request) => request.body()));
      expect(bodies).toEqual(["onetwo", "onetwo"]);
    },
  );

  behaviour(
    "conditions: what each takes for a failure",
    {
      routes: (id) =>
        ["5xx", "gateway-error", "retriable-4xx", "retriable-status-codes", "connect-failure", "reset"].map(
          (on) => ({
            match: { prefix: `/${on}/` },
            route: { cluster: id, retry_policy: { ...SOON, retry_on: on, retriable_status_codes: [404] } },
          }),
        ),
      upstream: ({ path }, reply) => {
        const what = path.split("/")[2]!;
        if (what === "close") reply.socket.destroy();
        else reply.send({ status: Number(what) });
      },
    },
    async (b) => {
      const hits: Record<string, string> = {};
      for (const on of [
        "5xx",
        "gateway-error",
        "retriable-4xx",
        "retriable-status-codes",
        "connect-failure",
        "reset",
      ]) {
        const list: string[] = [];
        for (const what of ["500", "503", "404", "409", "close"])
          list.push(`${what}:${(await outcome(b, { path: `/${on}/${what}` })).hits}`);
        hits[on] = list.join(" ");
      }
      expect(hits).toEqual({
        "5xx": "500:2 503:2 404:1 409:1 close:2",
        "gateway-error": "500:1 503:2 404:1 409:1 close:2",
        "retriable-4xx": "500:1 503:1 404:1 409:2 close:1",
        "retriable-status-codes": "500:1 503:1 404:2 409:1 close:1",
        "connect-failure": "500:1 503:1 404:1 409:1 close:1",
        reset: "500:1 503:1 404:1 409:1 close:2",
      });
    },
  );

  behaviour(
    "retriable-headers, and the status of gRPC in the response's headers",
    {
      routes: (id) => [
        {
          match: { prefix: "/header" },
          route: {
            cluster: id,
            retry_policy: {
              ...SOON,
              retry_on: "retriable-headers",
              retriable_headers: [{ name: "x-again", string_match: { exact: "yes" } }],
            },
          },
        },
        {
          match: { prefix: "/" },
          route: { cluster: id, retry_policy: { ...SOON, retry_on: "unavailable,cancelled" } },
        },
      ],
      upstream: ({ path }, reply) =>
        path === "/header"
          ? reply.send({ headers: [["x-again", "yes"]] })
          : reply.send({ headers: [["grpc-status", path.slice(1)]] }),
    },
    async (b) => {
      expect((await outcome(b, { path: "/header" })).hits).toBe(2);
      expect((await outcome(b, { path: "/14" })).hits).toBe(2);
      expect((await outcome(b, { path: "/1" })).hits).toBe(2);
      expect((await outcome(b, { path: "/8" })).hits).toBe(1);
    },
  );

  behaviour(
    "an answer of a rate limit is retried only where the policy says so",
    {
      routes: (id) => [
        {
          match: { prefix: "/also" },
          route: { cluster: id, retry_policy: { ...SOON, retry_on: "5xx,envoy-ratelimited" } },
        },
        { match: { prefix: "/" }, route: { cluster: id, retry_policy: { ...SOON, retry_on: "5xx" } } },
      ],
      upstream: (_, reply) => reply.send({ status: 503, headers: [["x-envoy-ratelimited", "true"]] }),
    },
    async (b) => {
      expect((await outcome(b)).hits).toBe(1);
      expect((await outcome(b, { path: "/also" })).hits).toBe(2);
    },
  );

  behaviour(
    "closed before the headers: the reply tells of the retry",
    retrying({ retry_on: "reset" }, ["close"]),
    async (b) => {
      const { status, hits, response } = await outcome(b);
      expect([status, hits]).toEqual([503, 2]);
      expect(response.text).toBe(
        "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection termination",
      );
      expect(response.header("x-envoy-attempt-count")).toBe("2");
      expect(await stats(b)).toBe("1 0 1 0 0");
    },
  );

  behaviour(
    "a refused connection: connect-failure",
    { ...retrying({ retry_on: "connect-failure", num_retries: 2 }, [200]), dead: true },
    async (b) => {
      const { status, response } = await outcome(b);
      expect([status, response.header("x-envoy-attempt-count")]).toEqual([503, "3"]);
      expect(response.text).toContain("retried and the latest reset reason: remote connection failure");
      expect(await stats(b)).toBe("2 0 1 0 0");
    },
  );

  behaviour(
    "per_try_timeout: an attempt that takes too long is given up",
    retrying({ retry_on: "5xx", per_try_timeout: "0.2s" }, [() => {}, 200]),
    async (b) => {
      const { status, hits } = await outcome(b);
      expect([status, hits]).toEqual([200, 2]);
      expect(await stats(b)).toBe("1 1 0 0 1");
    },
  );

  behaviour(
    "per_try_timeout: 504 when none is in time",
    retrying({ retry_on: "5xx", per_try_timeout: "0.1s", num_retries: 1 }, [() => {}]),
    async (b) => {
      const { status, hits, response } = await outcome(b);
      expect([status, hits, response.text]).toEqual([504, 2, "upstream request timeout"]);
      expect(await stats(b)).toBe("1 0 1 0 2");
    },
  );

  behaviour(
    "the route's timeout counts for all attempts together",
    {
      ...retrying({}, [() => {}]),
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            cluster: id,
            timeout: "1.5s",
            retry_policy: { ...SOON, retry_on: "5xx", num_retries: 10, per_try_timeout: "0.4s" },
          },
        },
      ],
    },
    async (b) => {
      const { status, hits } = await outcome(b);
      expect(status).toBe(504);
      expect(hits).toBeGreaterThan(1);
      expect(hits).toBeLessThan(5);
    },
  );

  behaviour(
    "a body over the buffer limit is sent once and not retried",
    {
      ...retrying({ retry_on: "5xx" }, [
        async ({ message }, reply) => {
          await message;
          reply.send({ status: 503 });
        },
      ]),
      listener: { per_connection_buffer_limit_bytes: 1000 },
    },
    async (b) => {
      const long = await outcome(b, { method: "POST", body: "x".repeat(3000) });
      expect([long.status, long.hits]).toEqual([503, 1]);
      const short = await outcome(b, { method: "POST", body: "x".repeat(500) });
      expect([short.status, short.hits]).toEqual([503, 2]);
    },
  );

  behaviour(
    "a body that outgrows the buffer while a retry waits: 507, as it could not be sent whole again",
    {
      // The wait is a random part of it: next to never so short that the retry comes first.
      ...retrying(
        { retry_on: "5xx", retry_back_off: { base_interval: "600s", max_interval: "600s" } },
        [503],
      ),
      listener: { per_connection_buffer_limit_bytes: 1000 },
    },
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\nbegun");
      await b.upstream.request(0);
      // The answer has come, and the attempt is given up for it.
      await vi.waitFor(
        async () => expect(await proxy().stat(`cluster.${b.id}.retry.upstream_rq_503`)).toBe(1),
        { timeout: 10_000 },
      );
      client.write("x".repeat(4995));
      const response = await client.response();
      expect([response.status, response.text]).toEqual([
        507,
        "exceeded request buffer limit while retrying upstream",
      ]);
      expect(b.upstream.requests).toHaveLength(1);
      expect(await proxy().stat(`cluster.${b.id}.retry_or_shadow_abandoned`)).toBe(1);
    },
  );

  behaviour(
    "a long body whose first host stops reading and breaks off reaches the next attempt whole",
    retrying({ retry_on: "reset" }, [
      (_, reply) => {
        reply.socket.pause();
        // By then the proxy has filled what the kernel takes and waits.
        setTimeout(() => reply.socket.resetAndDestroy(), 300);
      },
      async ({ message }, reply) => reply.send({ body: String((await message).body.length) }),
    ]),
    async (b) => {
      const response = await b.exchange({ method: "POST", body: "x".repeat(900_000) });
      expect([response.status, response.text]).toEqual([200, "900000"]);
    },
  );

  behaviour(
    "a virtual host's policy is that of its routes; a route's own replaces it",
    {
      virtualHost: { retry_policy: { ...SOON, retry_on: "5xx", num_retries: 2 } },
      routes: (id) => [
        { match: { prefix: "/own" }, route: { cluster: id, retry_policy: { ...SOON, retry_on: "reset" } } },
        { match: { prefix: "/" }, route: { cluster: id } },
      ],
      upstream: (_, reply) => reply.send({ status: 503 }),
    },
    async (b) => {
      expect((await outcome(b)).hits).toBe(3);
      expect((await outcome(b, { path: "/own" })).hits).toBe(1);
    },
  );

  behaviour(
    "max_retries: no more at a time for a cluster",
    retrying({ retry_on: "5xx" }, [503], {
      cluster: { circuit_breakers: { thresholds: [{ max_retries: 0 }] } },
    }),
    async (b) => {
      const { status, hits } = await outcome(b);
      expect([status, hits]).toEqual([503, 1]);
      expect(await stats(b)).toBe("0 0 0 1 0");
    },
  );
});

conformance("Circuit breakers", ({ behaviour, proxy }) => {
  /** Requests whose answers wait for each other. */
  async function parallel(b: Behaviour, count: number) {
    const responses = await Promise.all(Array.from({ length: count }, () => b.exchange()));
    return responses.map(({ status }) => status);
  }
  // Long enough that requests made together overlap.
  const slow: UpstreamHandler = (_, reply) => void setTimeout(() => reply.send({}), 300);
  const limits = (thresholds: Json): Json => ({ circuit_breakers: { thresholds: [thresholds] } });

  behaviour(
    "one connection, one that waits: the others overflow",
    { upstream: slow, cluster: limits({ max_connections: 1, max_pending_requests: 1 }) },
    async (b) => {
      const statuses = await parallel(b, 6);
      const passed = statuses.filter((status) => status === 200).length;
      expect(passed).toBeGreaterThanOrEqual(1);
      expect(passed).toBeLessThanOrEqual(2);
      expect(statuses.filter((status) => status === 503)).toHaveLength(6 - passed);
      expect(await proxy().stat(`cluster.${b.id}.upstream_rq_pending_overflow`)).toBe(6 - passed);
      const refused = await b.exchange();
      expect(refused.status).toBe(200);
    },
  );

  behaviour(
    "max_requests: those under way",
    { upstream: slow, cluster: limits({ max_requests: 1 }) },
    async (b) => {
      const statuses = await parallel(b, 3);
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1);
      expect(statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(1);
    },
  );

  behaviour(
    "an overflow is answered 503 with x-envoy-overloaded, and never retried",
    {
      routes: (id) => [
        { match: { prefix: "/" }, route: { cluster: id, retry_policy: { ...SOON, retry_on: "5xx,reset" } } },
      ],
      cluster: limits({ max_pending_requests: 0 }),
    },
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.header("x-envoy-overloaded")]).toEqual([503, "true"]);
      expect(response.text).toBe(
        "upstream connect error or disconnect/reset before headers. reset reason: overflow",
      );
      expect(await proxy().stat(`cluster.${b.id}.upstream_rq_retry`)).toBe(0);
    },
  );

  behaviour(
    "max_requests_per_connection: the connection is closed behind the last",
    {
      cluster: {
        typed_extension_protocol_options: {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            common_http_protocol_options: { max_requests_per_connection: 2 },
            explicit_http_config: { http_protocol_options: {} },
          },
        },
      },
    },
    async (b) => {
      for (let i = 0; i < 5; i++) await b.exchange();
      expect(b.upstream.requests.map(({ connection }) => connection)).toEqual([1, 1, 2, 2, 3]);
    },
  );

  behaviour(
    "max_requests_per_connection over HTTP/2",
    {
      routes: (id) => [{ match: { prefix: "/" }, route: { cluster: `${id}-h2` } }],
      http2: ({ stream }) => stream.respond({ ":status": 200 }, { endStream: true }),
      http2Cluster: {
        typed_extension_protocol_options: {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            common_http_protocol_options: { max_requests_per_connection: 2 },
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
      },
    },
    async (b) => {
      for (let i = 0; i < 5; i++) expect((await b.exchange()).status).toBe(200);
      expect(b.http2.requests.map(({ connection }) => connection)).toEqual([1, 1, 2, 2, 3]);
    },
  );
});
