import { expect, test } from "vitest";
import { bootstrap, cluster, httpListener, type Json, ROUTER } from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { exchange, RawClient } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";

const check = (more: Json = {}): Json => ({
  name: "envoy.filters.http.health_check",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck",
    pass_through_mode: false,
    headers: [{ name: ":path", string_match: { exact: "/healthz" } }],
    ...more,
  },
});

const ROUTES = [
  {
    match: { prefix: "/" },
    route: { cluster: "app" },
    response_headers_to_add: [
      { header: { key: "x-envoy-told", value: "%RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%" } },
    ],
  },
];

/** A listener with the filter; the builders know only filters of wasm. */
function listener(name: string, filters: readonly Json[]): Json {
  const routes = ROUTES;
  return httpListener({ name, routes, manager: { stat_prefix: name, http_filters: [...filters, ROUTER] } });
}

const FILTERS = {
  plain: [check()],
  headers: [
    check({
      headers: [
        { name: ":path", string_match: { prefix: "/h" } },
        { name: "x-check", present_match: true },
      ],
    }),
  ],
  every: [check({ headers: [] })],
  through: [check({ pass_through_mode: true })],
  cached: [check({ pass_through_mode: true, cache_time: "100s" })],
  hosts: [check({ cluster_min_healthy_percentages: { app: { value: 100 }, none: { value: 0 } } })],
  empty: [check({ cluster_min_healthy_percentages: { none: { value: 1 } } })],
  half: [check({ cluster_min_healthy_percentages: { sick: { value: 50 } } })],
  fraction: [check({ cluster_min_healthy_percentages: { sick: { value: 50.9 } } })],
  most: [check({ cluster_min_healthy_percentages: { sick: { value: 51 } } })],
  unknown: [check({ cluster_min_healthy_percentages: { nowhere: { value: 1 } } })],
};

describeEngines("The proxy's own health", (engine) => {
  async function start(): Promise<{ proxy: ProxyUnderTest; upstream: RawUpstream; close(): Promise<void> }> {
    const upstream = await RawUpstream.start((request, reply) =>
      reply.send({
        status: Number(request.header("x-status") ?? 200),
        headers: [["x-envoy-degraded", ""]],
        body: "app",
      }),
    );
    const host = (health: string) => ({
      endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: upstream.port } } },
      health_status: health,
    });
    const proxy = await engine.start(
      bootstrap({
        listeners: Object.entries(FILTERS).map(([name, filters]) => listener(name, filters)),
        clusters: [
          cluster("app", upstream.port),
          cluster("sick", upstream.port, {
            load_assignment: {
              cluster_name: "sick",
              endpoints: [{ lb_endpoints: [host("HEALTHY"), host("UNHEALTHY")] }],
            },
          }),
          { name: "none", type: "STATIC", connect_timeout: "1s" },
        ],
        more: { node: { id: "n", cluster: "shop" } },
      }),
    );
    return { proxy, upstream, close: () => upstream.close() };
  }

  const stats = async (proxy: ProxyUnderTest, name: keyof typeof FILTERS) => {
    const text = await proxy.admin(`/stats?filter=^http.${name}.health_check`);
    const pairs = text
      .trim()
      .split("\n")
      .map((line) => line.slice(`http.${name}.health_check.`.length).split(": "));
    return Object.fromEntries(
      pairs.filter(([, value]) => value !== "0").map(([key, value]) => [key, Number(value)]),
    );
  };

  test("answered by the proxy itself, by headers, by clusters", async () => {
    const { proxy, upstream, close } = await start();
    const seen: Record<string, unknown> = {};
    for (const name of Object.keys(FILTERS) as (keyof typeof FILTERS)[]) {
      const { status, text, headers } = await exchange(proxy.port(name), {
        path: "/healthz",
        headers: [["x-check", "1"]],
      });
      const told = headers.filter(([key]) =>
        /^(x-envoy-(?!upstream-service)|content-length|connection)/.test(key),
      );
      seen[name] = [status, text, Object.fromEntries(told), await stats(proxy, name)];
    }
    expect(seen).toMatchInlineSnapshot(`
      {
        "cached": [
          200,
          "app",
          {
            "content-length": "3",
            "x-envoy-degraded": "",
            "x-envoy-told": "via_upstream -",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {},
        ],
        "empty": [
          503,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_failed_cluster_empty LH",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "failed": 1,
            "failed_cluster_empty": 1,
            "request_total": 1,
          },
        ],
        "every": [
          200,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_ok -",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "ok": 1,
            "request_total": 1,
          },
        ],
        "fraction": [
          200,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_ok_cluster_healthy -",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "ok": 1,
            "request_total": 1,
          },
        ],
        "half": [
          200,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_ok_cluster_healthy -",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "ok": 1,
            "request_total": 1,
          },
        ],
        "headers": [
          200,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_ok -",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "ok": 1,
            "request_total": 1,
          },
        ],
        "hosts": [
          200,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_ok_cluster_healthy -",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "ok": 1,
            "request_total": 1,
          },
        ],
        "most": [
          503,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_failed_cluster_unhealthy LH",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "failed": 1,
            "failed_cluster_unhealthy": 1,
            "request_total": 1,
          },
        ],
        "plain": [
          200,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_ok -",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "ok": 1,
            "request_total": 1,
          },
        ],
        "through": [
          200,
          "app",
          {
            "content-length": "3",
            "x-envoy-degraded": "",
            "x-envoy-told": "via_upstream -",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {},
        ],
        "unknown": [
          503,
          "",
          {
            "content-length": "0",
            "x-envoy-told": "health_check_failed_no_cluster_found LH",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
          {
            "failed": 1,
            "failed_cluster_not_found": 1,
            "request_total": 1,
          },
        ],
      }
    `);
    expect((await exchange(proxy.port("headers"), { path: "/healthz" })).text).toBe("app");
    const post = await exchange(proxy.port("plain"), {
      path: "/healthz",
      method: "POST",
      body: "x".repeat(1000),
    });
    expect([post.status, post.text]).toEqual([200, ""]);
    expect(await stats(proxy, "plain")).toEqual({ request_total: 2, ok: 2 });
    const names = (await proxy.admin("/stats?filter=^http.plain.health_check")).trim().split("\n");
    expect(names.map((line) => line.split(/health_check\.|:/)[1])).toMatchInlineSnapshot(`
      [
        "cached_response",
        "degraded",
        "failed",
        "failed_cluster_empty",
        "failed_cluster_not_found",
        "failed_cluster_unhealthy",
        "ok",
        "request_total",
      ]
    `);
    upstream.handler = (_, reply) => reply.send({ status: 500 });
    const cached = await exchange(proxy.port("cached"), { path: "/healthz" });
    expect([
      cached.status,
      cached.text,
      cached.header("x-envoy-degraded"),
      cached.header("x-envoy-told"),
    ]).toMatchInlineSnapshot(`
      [
        200,
        "",
        "",
        "health_check_cached -",
      ]
    `);
    expect(await stats(proxy, "cached")).toMatchInlineSnapshot(`
      {
        "cached_response": 1,
        "degraded": 1,
        "ok": 1,
        "request_total": 1,
      }
    `);
    const through = await exchange(proxy.port("through"), { path: "/healthz" });
    expect(through.status).toBe(500);
    expect(await stats(proxy, "through")).toMatchInlineSnapshot(`{}`);
    await close();
  });

  test("/healthcheck/fail and /healthcheck/ok", async () => {
    const { proxy, close } = await start();
    const client = await RawClient.connect(proxy.port("plain"));
    expect((await client.exchange({ path: "/x" })).header("connection")).toBeUndefined();
    expect(await proxy.admin("/healthcheck/fail", "POST")).toBe("OK\n");
    expect(await proxy.stat("server.live")).toBe(0);
    const ready = await fetch(`${proxy.adminUrl}/ready`);
    expect([ready.status, await ready.text()]).toEqual([503, "DRAINING\n"]);
    const seen: Record<string, unknown> = {};
    const look = async (path: string, port: number) => {
      const { status, text, headers } = await exchange(port, { path });
      const told = headers.filter(([key]) => /^(x-envoy-(?!upstream-service)|connection)/.test(key));
      return [status, text, Object.fromEntries(told)];
    };
    for (const name of ["plain", "through", "cached"] as const) {
      seen[name] = await look("/healthz", proxy.port(name));
      seen[`${name} app`] = await look("/x", proxy.port(name));
    }
    expect(seen).toMatchInlineSnapshot(`
      {
        "cached": [
          503,
          "",
          {
            "connection": "close",
            "x-envoy-immediate-health-check-fail": "true",
            "x-envoy-told": "health_check_failed LH",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
        ],
        "cached app": [
          200,
          "app",
          {
            "connection": "close",
            "x-envoy-degraded": "",
            "x-envoy-immediate-health-check-fail": "true",
            "x-envoy-told": "via_upstream -",
          },
        ],
        "plain": [
          503,
          "",
          {
            "connection": "close",
            "x-envoy-immediate-health-check-fail": "true",
            "x-envoy-told": "health_check_failed LH",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
        ],
        "plain app": [
          200,
          "app",
          {
            "connection": "close",
            "x-envoy-degraded": "",
            "x-envoy-immediate-health-check-fail": "true",
            "x-envoy-told": "via_upstream -",
          },
        ],
        "through": [
          503,
          "",
          {
            "connection": "close",
            "x-envoy-immediate-health-check-fail": "true",
            "x-envoy-told": "health_check_failed LH",
            "x-envoy-upstream-healthchecked-cluster": "shop",
          },
        ],
        "through app": [
          200,
          "app",
          {
            "connection": "close",
            "x-envoy-degraded": "",
            "x-envoy-immediate-health-check-fail": "true",
            "x-envoy-told": "via_upstream -",
          },
        ],
      }
    `);
    expect(await stats(proxy, "plain")).toMatchInlineSnapshot(`
      {
        "failed": 1,
        "request_total": 1,
      }
    `);
    expect((await client.exchange({ path: "/x" })).header("connection")).toBe("close");
    expect(await proxy.admin("/healthcheck/ok", "POST")).toBe("OK\n");
    expect(await look("/healthz", proxy.port("plain"))).toEqual([
      200,
      "",
      { "x-envoy-told": "health_check_ok -", "x-envoy-upstream-healthchecked-cluster": "shop" },
    ]);
    expect(await look("/x", proxy.port("plain"))).toEqual([
      200,
      "app",
      { "x-envoy-degraded": "", "x-envoy-told": "via_upstream -" },
    ]);
    expect(await proxy.admin("/ready")).toBe("LIVE\n");
    expect((await fetch(`${proxy.adminUrl}/healthcheck/fail`)).status).toBe(405);
    await close();
  });
});
