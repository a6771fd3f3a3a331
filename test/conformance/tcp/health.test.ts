import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, expect, vi } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type TcpBehaviour, tcpConformance } from "../../support/tcp-conformance";

const WAIT = { timeout: 5000, interval: 20 };

/** Where hosts are checked: a connection is enough, unless nobody listens any more. */
async function checkServer(): Promise<Server & { port: number }> {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

const servers = await Promise.all(Array.from({ length: 4 }, checkServer));
afterAll(() => {
  for (const server of servers) server.close();
});

tcpConformance("TCP connections and the health of their host", ({ behaviour, engine }) => {
  const stat = (b: TcpBehaviour, name: string) => b.proxy.stat(`cluster.${b.id}.${name}`);
  const reaches = (b: TcpBehaviour, name: string, value: number) =>
    vi.waitFor(async () => expect(await stat(b, name)).toBe(value), WAIT);

  for (const [closes, more] of [
    [false, {}],
    [true, { close_connections_on_host_health_failure: true }],
  ] as const) {
    const server = servers[(engine.name === "node" ? 0 : 2) + (closes ? 1 : 0)]!;
    const checked: Json = {
      health_checks: [
        {
          timeout: "1s",
          interval: "0.02s",
          no_traffic_interval: "0.02s",
          unhealthy_threshold: 1,
          healthy_threshold: 1,
          tcp_health_check: {},
        },
      ],
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
      ...more,
    };
    behaviour(
      `a host that fails ${closes ? "takes" : "keeps"} its connections`,
      { script: "", cluster: (port) => ({ ...checked, load_assignment: checkedAt(port, server.port) }) },
      async (b) => {
        const { client, upstream } = await b.pair();
        client.write("a");
        await upstream.receives("a");
        server.close();
        await reaches(b, "membership_healthy", 0);
        if (closes) {
          await client.over();
          await upstream.over();
        } else {
          client.write("b");
          await upstream.receives("ab");
        }
        await (await b.connect()).over();
        expect(b.upstream.connections).toHaveLength(1);
      },
    );
  }

  behaviour(
    "outlier detection counts connections",
    {
      script: "",
      dead: true,
      cluster: {
        outlier_detection: { consecutive_5xx: 2, max_ejection_percent: 100, base_ejection_time: "100s" },
        common_lb_config: { healthy_panic_threshold: { value: 0 } },
      },
    },
    async (b) => {
      await (await b.connect()).over();
      expect(await stat(b, "outlier_detection.ejections_active")).toBe(0);
      await (await b.connect()).over();
      await reaches(b, "outlier_detection.ejections_active", 1);
      await reaches(b, "membership_healthy", 0);
    },
  );
});

function checkedAt(port: number, checkPort: number): Json {
  const endpoint = {
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    health_check_config: { port_value: checkPort },
  };
  return { cluster_name: "any", endpoints: [{ lb_endpoints: [{ endpoint }] }] };
}
