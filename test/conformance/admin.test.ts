import { afterAll, expect, test } from "vitest";
import { bootstrap, cluster, httpListener } from "../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../support/describe-engines";
import { hasPrometheusParser, parsePrometheus } from "../support/prometheus";
import { exchange, RawClient } from "../support/raw-client";
import { RawUpstream } from "../support/raw-upstream";

describeEngines("Admin interface", (engine) => {
  /** One proxy for the questions that change nothing. */
  let shared: Promise<{ proxy: ProxyUnderTest; upstream: RawUpstream }> | undefined;

  function running() {
    shared ??= start();
    return shared;
  }

  async function start() {
    const upstream = await RawUpstream.start();
    const routes = [
      { match: { prefix: "/direct" }, direct_response: { status: 200 } },
      { match: { prefix: "/" }, route: { cluster: "app" } },
    ];
    const listeners = [httpListener({ name: "in", routes })];
    const proxy = await engine.start(bootstrap({ listeners, clusters: [cluster("app", upstream.port)] }));
    await exchange(proxy.port());
    return { proxy, upstream };
  }

  const ask = async (path: string, method = "GET") => {
    const { proxy } = await running();
    return fetch(proxy.adminUrl + path, { method, headers: { connection: "close" } });
  };

  test("/ready: LIVE as text", async () => {
    const response = await ask("/ready");
    expect(response.headers.get("content-type")).toBe("text/plain; charset=UTF-8");
    expect(await response.text()).toBe("LIVE\n");
  });

  test.each([
    ["bytes that are no HTTP", "no HTTP at all\r\n\r\n", 400],
    ["61 KiB of headers", `GET /ready HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(61 * 1024)}\r\n\r\n`, 431],
    ["101 headers", `GET /ready HTTP/1.1\r\nhost: a\r\n${"x: y\r\n".repeat(100)}\r\n`, 431],
    ["HTTP/1.0", "GET /ready HTTP/1.0\r\nhost: a\r\n\r\n", 426],
    [
      "59 KiB of headers",
      `GET /ready HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${"y".repeat(59 * 1024)}\r\n\r\n`,
      200,
    ],
  ])("%s", async (_, bytes, status) => {
    const { proxy } = await running();
    const client = await RawClient.connect(Number(new URL(proxy.adminUrl).port));
    client.write(bytes);
    const response = await client.response();
    const names = response.headers.map(([name]) => name);
    expect([response.status, names, response.text]).toEqual([
      status,
      status === 200 ? expect.anything() : ["content-length", "content-type", "date", "server", "connection"],
      { 200: "LIVE\n", 400: "Bad Request", 426: "Upgrade Required", 431: "Request Header Fields Too Large" }[
        status
      ],
    ]);
    if (status !== 200) await client.closed;
    client.socket.destroy();
  });

  test("/stats as text: `name: value` lines, sorted", async () => {
    const { proxy } = await running();
    const lines = (await proxy.admin("/stats?filter=^(http\\.in|cluster\\.app)\\.")).trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) expect(line).toMatch(/^[\w.]+: /);
    const plain = lines.filter((line) => /: \d+$/.test(line)).map((line) => line.split(":")[0]!);
    expect(plain).toEqual([...plain].sort());
  });

  test("/stats?format=json: name and value", async () => {
    const { proxy } = await running();
    const { stats } = JSON.parse(
      await proxy.admin("/stats?format=json&filter=^http\\.in\\.downstream_rq_total$"),
    );
    expect(stats).toEqual([{ name: "http.in.downstream_rq_total", value: expect.any(Number) }]);
  });

  test("/stats?usedonly leaves out what never changed", async () => {
    const { proxy } = await running();
    const all = await proxy.admin("/stats?filter=^cluster\\.app\\.upstream_rq");
    const used = await proxy.admin("/stats?usedonly&filter=^cluster\\.app\\.upstream_rq");
    expect(all).toContain("cluster.app.upstream_rq_timeout: 0");
    expect(used).not.toContain("upstream_rq_timeout");
    expect(used).toContain("cluster.app.upstream_rq_total: ");
  });

  test("/stats/prometheus: HTTP counters with their labels", async () => {
    const { proxy } = await running();
    const text = await proxy.admin("/stats/prometheus");
    expect(text).toMatch(/^# TYPE envoy_http_downstream_rq_total counter$/m);
    expect(text).toMatch(/^envoy_http_downstream_rq_total\{envoy_http_conn_manager_prefix="in"\} \d+$/m);
    expect(text).toMatch(/^envoy_cluster_upstream_rq_total\{envoy_cluster_name="app"\} \d+$/m);
    expect(text).toMatch(
      /^envoy_http_downstream_rq_xx\{envoy_response_code_class="2",envoy_http_conn_manager_prefix="in"\} \d+$/m,
    );
  });

  test.skipIf(!hasPrometheusParser())(
    "/stats/prometheus: text that Prometheus reads, all of it",
    async () => {
      const { proxy } = await running();
      const text = await proxy.admin("/stats/prometheus");
      const families = parsePrometheus(text);
      const declared = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
      expect(new Set(declared).size).toBe(declared.length);
      expect(families.length).toBe(declared.length);
      expect(new Set(families.map(({ type }) => type))).toEqual(new Set(["counter", "gauge", "histogram"]));
      const samples = families.flatMap((family) => family.samples);
      // A series that stands twice is lost when it is scraped.
      const series = samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]));
      expect(new Set(series).size).toBe(series.length);
      expect(series.length).toBe(
        text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length,
      );
      const requests = samples.find(
        ({ name, labels }) =>
          name === "envoy_http_downstream_rq_total" && labels.envoy_http_conn_manager_prefix === "in",
      );
      expect(requests?.value).toBe(await proxy.stat("http.in.downstream_rq_total"));
    },
  );

  test("/clusters as text: a line for every fact of every host", async () => {
    const { proxy, upstream } = await running();
    const text = await proxy.admin("/clusters");
    const host = `app::127.0.0.1:${upstream.port}::`;
    expect(text).toContain("app::default_priority::max_connections::1024\n");
    expect(text).toContain(`${host}health_flags::healthy\n`);
    expect(text).toMatch(new RegExp(`^${host}rq_total::\\d+$`, "m"));
    expect(text).toContain(`${host}weight::1\n`);
  });

  test("/clusters?format=json: hosts with address and counters", async () => {
    const { proxy, upstream } = await running();
    const { cluster_statuses } = JSON.parse(await proxy.admin("/clusters?format=json"));
    const status = cluster_statuses.find(({ name }: { name: string }) => name === "app");
    expect(status.host_statuses[0].address).toEqual({
      socket_address: { address: "127.0.0.1", port_value: upstream.port },
    });
    expect(status.host_statuses[0].health_status).toMatchObject({ eds_health_status: "HEALTHY" });
  });

  test("/server_info: state, node, command line", async () => {
    const { proxy } = await running();
    const info = JSON.parse(await proxy.admin("/server_info"));
    expect(info.state).toBe("LIVE");
    expect(info.node.id).toBe("test-node");
    expect(info.node.cluster).toBe("test-cluster");
    expect(info.command_line_options.concurrency).toBe(1);
  });

  test("/config_dump: the bootstrap, with its clusters and listeners", async () => {
    const { proxy } = await running();
    const { configs } = JSON.parse(await proxy.admin("/config_dump"));
    const types = configs.map((config: { "@type": string }) => config["@type"].split(".").at(-1));
    expect(types).toContain("BootstrapConfigDump");
    expect(types).toContain("ClustersConfigDump");
    expect(types).toContain("ListenersConfigDump");
    expect(types).toContain("RoutesConfigDump");
    expect(configs[0].bootstrap.node.id).toBe("test-node");
    const clusters = configs.find((config: { "@type": string }) =>
      config["@type"].endsWith("ClustersConfigDump"),
    );
    expect(clusters.static_clusters[0].cluster.name).toBe("app");
  });

  test("/logging changes levels and lists them", async () => {
    const { proxy } = await running();
    const text = await proxy.admin("/logging?wasm=debug", "POST");
    expect(text).toMatch(/^active loggers:$/m);
    expect(text).toMatch(/^ {2}wasm: debug$/m);
    const back = await proxy.admin("/logging?wasm=info", "POST");
    expect(back).toMatch(/^ {2}wasm: info$/m);
  });

  test("an unknown path is 404 and lists the commands", async () => {
    const response = await ask("/nothing");
    expect(response.status).toBe(404);
    expect(await response.text()).toMatch(/^invalid path\. admin commands are:\n/);
  });

  test("what changes the proxy wants POST: 405", async () => {
    const response = await ask("/quitquitquit");
    expect(response.status).toBe(405);
    expect((await ask("/ready")).status).toBe(200);
  });

  afterAll(async () => (await shared)?.upstream.close());
});

describeEngines("Counters", (engine) => {
  async function start(upstreamPort: number, path = "/") {
    const routes = [
      { match: { prefix: "/gone" }, direct_response: { status: 410 } },
      { match: { prefix: path }, route: { cluster: "app" } },
    ];
    const listeners = [httpListener({ name: "in", routes })];
    return engine.start(bootstrap({ listeners, clusters: [cluster("app", upstreamPort)] }));
  }

  /** Counters move when the exchange is over, which the client may see first. */
  const moved = (proxy: ProxyUnderTest, name: string, value: number) =>
    expect.poll(() => proxy.stat(name), { timeout: 5000, interval: 10 }).toBe(value);

  test("a request and its answer, downstream and upstream", async () => {
    const upstream = await RawUpstream.start();
    const proxy = await start(upstream.port);
    await exchange(proxy.port(), { method: "POST", body: "x" });
    await exchange(proxy.port(), { path: "/gone" });
    await moved(proxy, "http.in.downstream_rq_total", 2);
    await moved(proxy, "http.in.downstream_rq_2xx", 1);
    await moved(proxy, "http.in.downstream_rq_4xx", 1);
    await moved(proxy, "http.in.downstream_rq_completed", 2);
    await moved(proxy, "http.in.downstream_rq_active", 0);
    await moved(proxy, "http.in.downstream_cx_total", 2);
    await moved(proxy, "cluster.app.upstream_rq_total", 1);
    await moved(proxy, "cluster.app.upstream_rq_200", 1);
    await moved(proxy, "cluster.app.upstream_rq_2xx", 1);
    await moved(proxy, "cluster.app.upstream_cx_total", 1);
    await upstream.close();
  });

  test("no route", async () => {
    const upstream = await RawUpstream.start();
    const proxy = await start(upstream.port, "/only");
    await exchange(proxy.port(), { path: "/other" });
    await moved(proxy, "http.in.no_route", 1);
    await moved(proxy, "http.in.downstream_rq_4xx", 1);
    await upstream.close();
  });

  test("a refused connection", async () => {
    const proxy = await start(1);
    await exchange(proxy.port());
    await moved(proxy, "cluster.app.upstream_cx_connect_fail", 1);
    await moved(proxy, "cluster.app.upstream_rq_pending_failure_eject", 1);
    await moved(proxy, "http.in.downstream_rq_5xx", 1);
  });
});
