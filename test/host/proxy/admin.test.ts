import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLoopback, refusalOf } from "../../../host/proxy/admin/gate";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { exchange, RawClient } from "./support/raw-client";
import { type StartedProxy, startProxy } from "./support/start-proxy";
import { echo, httpUpstream, type Upstream } from "./support/upstream";

let upstream: Upstream;
let started: StartedProxy;
const raw = {
  node: { id: "n1" },
  static_resources: { clusters: [{ name: "app" }], listeners: [{ name: "main" }] },
};

beforeAll(async () => {
  upstream = await httpUpstream(echo);
  started = await startProxy(
    bootstrap([listener([virtualHost([route("/", toCluster("app"))])])], [cluster("app", upstream.port)], {
      raw,
    }),
  );
  await exchange(started.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
});

afterAll(async () => {
  await started.proxy.kill();
  await upstream.close();
});

async function admin(
  path: string,
  method = "GET",
): Promise<{ status: number; type: string | null; body: string }> {
  const response = await fetch(`http://127.0.0.1:${started.adminPort}${path}`, { method });
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

test("the bytes of an answer", async () => {
  expect(await exchange(started.adminPort, "GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).toBe(
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=UTF-8\r\ncache-control: no-cache, max-age=0\r\n" +
      "x-content-type-options: nosniff\r\ndate: D\r\nserver: envoy\r\ntransfer-encoding: chunked\r\n\r\n" +
      "5\r\nLIVE\n\r\n0\r\n\r\n",
  );
});

describe("pages of other origins", () => {
  const status = async (...headers: string[]) => {
    const lines = headers.map((line) => `${line}\r\n`).join("");
    return (await exchange(started.adminPort, `GET /ready HTTP/1.1\r\n${lines}\r\n`)).slice(9, 12);
  };

  test.each([["127.0.0.1"], [`localhost:1`], ["admin.localhost"], ["[::1]:9901"], [""]])(
    "host %j is this machine",
    async (host) => {
      expect(await status(`Host: ${host}`)).toBe("200");
    },
  );

  test.each([["a"], ["evil.example:9901"], ["127.0.0.1.evil.example"], ["localhost.evil.example"], ["[a]"]])(
    "host %j may be a page that gets here by DNS",
    async (host) => {
      expect(await status(`Host: ${host}`)).toBe("403");
      expect(await status("Host: 127.0.0.1", `Host: ${host}`)).toBe("403");
    },
  );

  test("an origin must be the page's own", async () => {
    expect(await status("Host: 127.0.0.1:1", "Origin: http://127.0.0.1:1")).toBe("200");
    expect(await status("Host: 127.0.0.1:1", "Origin: http://127.0.0.1:2")).toBe("403");
    expect(await status("Host: 127.0.0.1:1", "Origin: null")).toBe("403");
    expect(await status("Host: 127.0.0.1:1", "Origin: http://127.0.0.1:1", "Origin: http://x")).toBe("403");
  });

  test("nothing is done for them", async () => {
    const quit = "POST /quitquitquit HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n\r\n";
    expect(await exchange(started.adminPort, quit)).toMatch(/^HTTP\/1.1 403 [\s\S]*of another origin/);
    expect((await admin("/ready")).body).toBe("LIVE\n");
  });

  test("an address that the file opens to others has names of its own", () => {
    expect(refusalOf({ host: ["proxy:9901"] }, false)).toBeUndefined();
    expect(refusalOf({ host: ["proxy:9901"], origin: ["http://other"] }, false)).toBeDefined();
    expect(["127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "10.0.0.1"].map(isLoopback)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

test("listeners report the port they got", async () => {
  expect((await admin("/listeners")).body).toBe(`main::127.0.0.1:${started.port}\n`);
  const { type, body } = await admin("/listeners?format=json");
  expect(type).toBe("application/json");
  expect(JSON.parse(body)).toEqual({
    listener_statuses: [
      {
        name: "main",
        local_address: { socket_address: { address: "127.0.0.1", port_value: started.port } },
      },
    ],
  });
});

test("clusters", async () => {
  const { body } = await admin("/clusters");
  const host = `app::127.0.0.1:${upstream.port}::`;
  const lines = body.split("\n");
  expect(lines.slice(0, 3)).toEqual([
    "app::observability_name::app",
    "app::default_priority::max_connections::1024",
    "app::default_priority::max_pending_requests::1024",
  ]);
  expect(lines).toContain(`${host}rq_total::1`);
  expect(lines).toContain(`${host}health_flags::healthy`);
  expect((await admin("/clusters?filter=nope")).body).toBe("");
  const json = JSON.parse((await admin("/clusters?format=json")).body);
  expect(json.cluster_statuses[0].host_statuses[0].stats).toContainEqual({ value: "1", name: "rq_total" });
  expect(json.cluster_statuses[0].host_statuses[0].stats).toContainEqual({ name: "cx_connect_fail" });
});

describe("stats", () => {
  test("text, sorted", async () => {
    const lines = (await admin("/stats?type=Counters")).body.trimEnd().split("\n");
    const names = lines.map((l) => l.slice(0, l.indexOf(": ")));
    expect(names).toEqual([...names].sort());
    expect(lines).toContain("cluster.app.upstream_rq_200: 1");
    expect(lines).toContain("http.ingress.downstream_rq_2xx: 1");
    expect(lines).toContain("cluster.app.upstream_rq_retry: 0");
  });

  test("filter and usedonly", async () => {
    const { body } = await admin("/stats?filter=^http.ingress.downstream_rq_&usedonly&type=Counters");
    expect(body).toBe(
      [
        "http.ingress.downstream_rq_2xx: 1",
        "http.ingress.downstream_rq_completed: 1",
        "http.ingress.downstream_rq_http1_total: 1",
        "http.ingress.downstream_rq_total: 1",
        "",
      ].join("\n"),
    );
    const refused = await admin("/stats?filter=(");
    expect(refused.status).toBe(400);
    expect(refused.body).toBe("Invalid re2 regex: missing ): (");
  });

  test("json and prometheus", async () => {
    const json = JSON.parse((await admin("/stats?format=json&filter=upstream_rq_200")).body);
    expect(json.stats).toContainEqual({ name: "cluster.app.upstream_rq_200", value: 1 });
    const { body, type } = await admin("/stats/prometheus?filter=app.upstream_rq_200");
    expect(type).toBe("text/plain; charset=UTF-8");
    expect(body).toBe(
      '# TYPE envoy_cluster_upstream_rq counter\nenvoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="app"} 1\n',
    );
    expect((await admin("/stats?format=prometheus&filter=app.upstream_rq_200")).body).toBe(body);
    expect((await admin("/stats?format=zzz")).status).toBe(400);
  });

  test("bytes of connections that are still open count", async () => {
    const client = await RawClient.connect(started.port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.response();
    const value = async (name: string) =>
      Number((await admin(`/stats?filter=^${name}$`)).body.split(": ")[1]);
    const [received, sent] = [
      await value("http.ingress.downstream_cx_rx_bytes_total"),
      await value("cluster.app.upstream_cx_tx_bytes_total"),
    ];
    expect(received).toBe(2 * "GET / HTTP/1.1\r\nHost: a\r\n\r\n".length);
    expect(sent).toBeGreaterThan(2 * 100);
    client.destroy();
  });
});

describe("logging", () => {
  test("levels are shown and changed", async () => {
    expect((await admin("/logging")).status).toBe(405);
    expect((await admin("/logging")).body).toBe("Method GET not allowed, POST required.");
    expect((await admin("/logging", "POST")).body).toContain("active loggers:\n");
    expect((await admin("/logging?wasm=trace", "POST")).body).toContain("  wasm: trace\n");
    expect((await admin("/logging?paths=wasm:info,http:debug", "POST")).body).toContain("  http: debug\n");
    expect((await admin("/logging?level=warning", "POST")).body).not.toContain(": info");
  });

  test("what is no level or no logger changes nothing", async () => {
    for (const query of ["wasm=loud", "nope=info", "level=bad", "paths=wasm:info,nope:info"]) {
      const { status, body } = await admin(`/logging?${query}`, "POST");
      expect(status).toBe(400);
      expect(body).toMatch(/^error: unknown logger (level|name)\n/);
    }
    expect((await admin("/logging", "POST")).body).toContain("  wasm: warning\n");
  });
});

test("server_info and config_dump", async () => {
  const info = JSON.parse((await admin("/server_info")).body);
  expect(info).toMatchObject({ state: "LIVE", node: { id: "n1", cluster: "c1" } });
  const dump = JSON.parse((await admin("/config_dump")).body);
  expect(dump.configs.map((c: { "@type": string }) => c["@type"].replace(/.*\./, ""))).toEqual([
    "BootstrapConfigDump",
    "ClustersConfigDump",
    "ListenersConfigDump",
    "ScopedRoutesConfigDump",
    "RoutesConfigDump",
    "SecretsConfigDump",
  ]);
  expect(dump.configs[1].static_clusters[0].cluster.name).toBe("app");
});

test("unknown paths list the known ones", async () => {
  const { status, body } = await admin("/nope");
  expect(status).toBe(404);
  expect(body).toMatch(/^invalid path\. admin commands are:\n {2}\/: Admin home page\n/);
  expect((await admin("/")).type).toBe("text/html; charset=UTF-8");
  expect((await admin("/quitquitquit")).status).toBe(405);
});
