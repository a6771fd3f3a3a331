import { expect, vi } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import type { Http2Request } from "../../support/http2-upstream";
import type { RawResponse } from "../../support/raw-client";
import type { UpstreamRequest } from "../../support/raw-upstream";

const WAIT = { timeout: 5000, interval: 10 };

/** An upstream that answers a request when it is let go, by path. */
class Gate {
  private readonly held = new Map<string, () => void>();
  readonly seen: { path: string; connection: number }[] = [];

  arrive(path: string, connection: number, answer: () => void): void {
    this.seen.push({ path, connection });
    this.held.set(path, answer);
  }

  async arrived(path: string): Promise<void> {
    await vi.waitFor(() => expect([...this.held.keys()]).toContain(path), WAIT);
  }

  async open(path: string): Promise<void> {
    await this.arrived(path);
    this.held.get(path)!();
    this.held.delete(path);
  }
}

const limits = (thresholds: Json, more: Json = {}): Json => ({
  circuit_breakers: { thresholds: [{ track_remaining: true, ...thresholds }], ...more },
});

/** The same address twice: two hosts to the proxy. */
const twice = (port: number): Json => {
  const host = { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } };
  return { load_assignment: { cluster_name: "any", endpoints: [{ lb_endpoints: [host, host] }] } };
};

conformance("Connections and requests of a cluster at one time", ({ behaviour, proxy }) => {
  type Run = (b: Behaviour, gate: Gate) => Promise<void>;

  function gated(name: string, cluster: Setup["cluster"], run: Run, more: Setup = {}) {
    const gate = new Gate();
    behaviour(
      name,
      {
        upstream: (request: UpstreamRequest, reply) =>
          new Promise((resolve) =>
            gate.arrive(request.path, request.connection, () => {
              reply.send({ status: Number(request.header("x-status") ?? 200) });
              resolve();
            }),
          ),
        ...(cluster && { cluster }),
        ...more,
      },
      (b) => run(b, gate),
    );
  }

  function gated2(name: string, options: Json, thresholds: Json, run: Run) {
    const gate = new Gate();
    behaviour(
      name,
      {
        routes: (id) => [{ match: { prefix: "/" }, route: { cluster: `${id}-h2` } }],
        http2: (request: Http2Request) =>
          gate.arrive(request.header(":path")!, request.connection, () => {
            request.stream.respond({ ":status": 200 }, { endStream: true });
          }),
        http2Cluster: {
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: options },
            },
          },
          ...limits(thresholds),
        },
      },
      (b) => run(b, gate),
    );
  }

  async function stats(b: Behaviour, names: readonly string[], more = ""): Promise<Record<string, number>> {
    const values = names.map(
      async (name) => [name, await proxy().stat(`cluster.${b.id}${more}.${name}`)] as const,
    );
    return Object.fromEntries(await Promise.all(values));
  }
  const holds = (b: Behaviour, wanted: Record<string, number>, more = "") =>
    vi.waitFor(async () => expect(await stats(b, Object.keys(wanted), more)).toEqual(wanted), WAIT);

  /** A request under way. */
  function ask(b: Behaviour, path: string, headers: [string, string][] = []): Promise<RawResponse> {
    return b.exchange({ path, headers });
  }

  gated(
    "one connection: others wait for it in order, and beyond that are refused",
    limits({ max_connections: 1, max_pending_requests: 2 }),
    async (b, gate) => {
      const a = ask(b, "/a");
      await gate.arrived("/a");
      await holds(b, {
        upstream_rq_active: 1,
        upstream_rq_pending_active: 0,
        "circuit_breakers.default.cx_open": 1,
        "circuit_breakers.default.rq_pending_open": 0,
        "circuit_breakers.default.rq_open": 0,
        "circuit_breakers.default.remaining_cx": 0,
        "circuit_breakers.default.remaining_pending": 2,
        "circuit_breakers.default.remaining_rq": 1023,
        upstream_cx_overflow: 0,
      });
      const second = ask(b, "/b");
      await holds(b, { upstream_rq_pending_active: 1, upstream_cx_overflow: 1 });
      const third = ask(b, "/c");
      await holds(b, {
        upstream_rq_active: 1,
        upstream_rq_pending_active: 2,
        upstream_cx_overflow: 2,
        "circuit_breakers.default.rq_pending_open": 1,
        "circuit_breakers.default.remaining_pending": 0,
      });
      expect((await ask(b, "/d")).status).toBe(503);
      await holds(b, {
        upstream_rq_pending_overflow: 1,
        upstream_cx_overflow: 2,
        upstream_rq_pending_total: 3,
      });
      await gate.open("/a");
      await gate.open("/b");
      await gate.open("/c");
      expect((await Promise.all([a, second, third])).map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(gate.seen).toEqual([
        { path: "/a", connection: 1 },
        { path: "/b", connection: 1 },
        { path: "/c", connection: 1 },
      ]);
      await holds(b, {
        upstream_rq_active: 0,
        upstream_rq_pending_active: 0,
        upstream_cx_active: 1,
        upstream_cx_total: 1,
        upstream_rq_total: 3,
        "circuit_breakers.default.cx_open": 1,
        "circuit_breakers.default.rq_pending_open": 0,
        "circuit_breakers.default.remaining_pending": 2,
        "circuit_breakers.default.remaining_rq": 1024,
      });
    },
  );

  gated(
    "every host that is chosen gets one connection",
    (port) => ({ ...limits({ max_connections: 1 }), ...twice(port) }),
    async (b, gate) => {
      const first = ask(b, "/a");
      await gate.arrived("/a");
      const second = ask(b, "/b");
      await gate.arrived("/b");
      await holds(b, {
        upstream_cx_active: 2,
        upstream_cx_overflow: 1,
        "circuit_breakers.default.cx_open": 1,
        "circuit_breakers.default.remaining_cx": 0,
      });
      const third = ask(b, "/c");
      await holds(b, { upstream_rq_pending_active: 1, upstream_cx_overflow: 2 });
      for (const path of ["/a", "/b", "/c"]) await gate.open(path);
      for (const each of [first, second, third]) expect((await each).status).toBe(200);
      await holds(b, { upstream_cx_total: 2 });
    },
  );

  gated(
    "per_host_thresholds: so many connections to each",
    (port) => ({
      ...limits({}, { per_host_thresholds: [{ max_connections: 1 }] }),
      ...twice(port),
    }),
    async (b, gate) => {
      const asked = [ask(b, "/0")];
      await gate.arrived("/0");
      asked.push(ask(b, "/1"));
      await gate.arrived("/1");
      asked.push(ask(b, "/2"));
      await holds(b, { upstream_rq_pending_active: 1 });
      asked.push(ask(b, "/3"));
      await holds(b, {
        upstream_cx_active: 2,
        upstream_rq_pending_active: 2,
        upstream_cx_overflow: 2,
        "circuit_breakers.default.cx_open": 0,
        "circuit_breakers.default.remaining_cx": 1022,
      });
      for (const path of ["/0", "/1", "/2", "/3"]) await gate.open(path);
      for (const each of asked) expect((await each).status).toBe(200);
      await holds(b, { upstream_cx_total: 2 });
    },
  );

  gated("max_requests", limits({ max_requests: 1 }), async (b, gate) => {
    const first = ask(b, "/a");
    await gate.arrived("/a");
    await holds(b, { "circuit_breakers.default.rq_open": 1, "circuit_breakers.default.remaining_rq": 0 });
    const refused = await ask(b, "/b");
    expect([refused.status, refused.header("x-envoy-overloaded")]).toEqual([503, "true"]);
    await holds(b, {
      upstream_rq_active_overflow: 1,
      upstream_rq_pending_overflow: 0,
      upstream_cx_total: 2,
      upstream_cx_active: 2,
      upstream_rq_total: 1,
    });
    await gate.open("/a");
    expect((await first).status).toBe(200);
    await holds(b, { "circuit_breakers.default.rq_open": 0, "circuit_breakers.default.remaining_rq": 1 });
    const again = ask(b, "/c");
    await gate.open("/c");
    expect((await again).status).toBe(200);
    await holds(b, { upstream_cx_total: 2 });
  });

  gated("a client that does not wait any longer", limits({ max_connections: 1 }), async (b, gate) => {
    const first = ask(b, "/a");
    await gate.arrived("/a");
    const client = await b.connect();
    void client.exchange({ path: "/b" }).catch(() => {});
    await holds(b, { upstream_rq_pending_active: 1 });
    client.close();
    await holds(b, { upstream_rq_pending_active: 0, upstream_rq_cancelled: 1 });
    const third = ask(b, "/c");
    await holds(b, { upstream_rq_pending_active: 1 });
    await gate.open("/a");
    await gate.open("/c");
    expect((await first).status).toBe(200);
    expect((await third).status).toBe(200);
    expect(gate.seen.map(({ path }) => path)).toEqual(["/a", "/c"]);
  });

  gated(
    "max_retries",
    limits({ max_retries: 1 }),
    async (b, gate) => {
      const fails: [string, string][] = [["x-status", "503"]];
      const first = ask(b, "/a", fails);
      await gate.open("/a");
      await gate.arrived("/a");
      await holds(b, {
        "circuit_breakers.default.rq_retry_open": 1,
        "circuit_breakers.default.remaining_retries": 0,
      });
      const second = ask(b, "/b", fails);
      await gate.open("/b");
      expect((await second).status).toBe(503);
      await holds(b, { upstream_rq_retry_overflow: 1 });
      await gate.open("/a");
      expect((await first).status).toBe(503);
      await holds(b, {
        "circuit_breakers.default.rq_retry_open": 0,
        "circuit_breakers.default.remaining_retries": 1,
      });
    },
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            cluster: id,
            retry_policy: {
              retry_on: "5xx",
              num_retries: 1,
              retry_back_off: { base_interval: "0.001s", max_interval: "0.002s" },
            },
          },
        },
      ],
    },
  );

  gated(
    "a retry budget: what is left of it is not told",
    limits({ retry_budget: { budget_percent: { value: 20 }, min_retry_concurrency: 1 } }),
    async (b) => {
      await holds(b, {
        "circuit_breakers.default.rq_retry_open": 0,
        "circuit_breakers.default.remaining_retries": 3,
      });
    },
  );

  for (const [name, tracked, expected] of [
    [
      "what is told of the limits",
      {},
      ["cx_open", "cx_pool_open", "rq_open", "rq_pending_open", "rq_retry_open"],
    ],
    [
      "track_remaining: what is left of them, too",
      { circuit_breakers: { thresholds: [{ track_remaining: true, max_connections: 7, max_retries: 5 }] } },
      [
        "cx_open",
        "cx_pool_open",
        "remaining_cx",
        "remaining_cx_pools",
        "remaining_pending",
        "remaining_retries",
        "remaining_rq",
        "rq_open",
        "rq_pending_open",
        "rq_retry_open",
      ],
    ],
  ] as const)
    gated(name, tracked, async (b) => {
      const prefix = `cluster.${b.id}.circuit_breakers.`;
      const text = await proxy().admin(`/stats?filter=^${prefix.replaceAll(".", "\\.")}`);
      const lines = text
        .trim()
        .split("\n")
        .map((line) => line.slice(prefix.length));
      const of = (priority: string) =>
        lines.filter((line) => line.startsWith(priority)).map((line) => line.split(/[.:]/)[1]);
      expect(of("default")).toEqual(expected);
      expect(of("high")).toEqual(["cx_open", "cx_pool_open", "rq_open", "rq_pending_open", "rq_retry_open"]);
      const left = lines.filter((line) => line.includes("remaining"));
      expect(left).toEqual(
        "circuit_breakers" in tracked
          ? [
              "default.remaining_cx: 7",
              "default.remaining_cx_pools: 18446744073709551615",
              "default.remaining_pending: 1024",
              "default.remaining_retries: 5",
              "default.remaining_rq: 1024",
            ]
          : [],
      );
    });

  gated2(
    "HTTP/2: a connection takes so many requests, others wait for room",
    { max_concurrent_streams: 1 },
    { max_connections: 1 },
    async (b, gate) => {
      const first = ask(b, "/a");
      await gate.arrived("/a");
      const second = b.exchange({ path: "/b", method: "POST", body: "x".repeat(100_000) });
      await holds(
        b,
        { upstream_rq_pending_active: 1, upstream_cx_overflow: 1, upstream_rq_active: 1 },
        "-h2",
      );
      await gate.open("/a");
      await gate.open("/b");
      expect((await first).status).toBe(200);
      expect((await second).status).toBe(200);
      expect(gate.seen.map(({ connection }) => connection)).toEqual([1, 1]);
      await holds(b, { upstream_cx_total: 1, upstream_rq_pending_active: 0, upstream_rq_active: 0 }, "-h2");
    },
  );

  gated2(
    "HTTP/2: another connection while there may be one",
    { max_concurrent_streams: 1 },
    { max_connections: 2 },
    async (b, gate) => {
      const asked = [ask(b, "/0")];
      await gate.arrived("/0");
      asked.push(ask(b, "/1"));
      await gate.arrived("/1");
      asked.push(ask(b, "/2"));
      await holds(
        b,
        { upstream_cx_active: 2, upstream_cx_overflow: 1, upstream_rq_pending_active: 1 },
        "-h2",
      );
      await gate.open("/1");
      await gate.open("/2");
      await gate.open("/0");
      for (const each of asked) expect((await each).status).toBe(200);
      expect(gate.seen.map(({ connection }) => connection)).toEqual([1, 2, 2]);
    },
  );

  behaviour(
    "connections that have had as many requests as they may are counted",
    { cluster: { max_requests_per_connection: 2 } },
    async (b) => {
      const client = await b.connect();
      for (let i = 0; i < 5; i++) await client.exchange({});
      await holds(b, { upstream_cx_max_requests: 2, upstream_cx_total: 3 });
      client.close();
    },
  );
});
