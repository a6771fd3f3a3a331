import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { convertHealthCheck } from "../../../../host/config/convert/health-check";
import type { HttpProbeConfig } from "../../../../host/config/model/health-check";
import { Cluster } from "../../../../host/proxy/clusters/cluster";
import { HttpProbe } from "../../../../host/proxy/health-check/http-probe";
import { type ProbeResult, quietCluster } from "../../../../host/proxy/health-check/probe";
import { StatsStore } from "../../../../host/proxy/stats/store";
import { cluster } from "../support/bootstrap";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const MEGABYTE = Buffer.alloc(1024 * 1024, "x");

/** A probe of a host that answers with `ok` and so many megabytes; and the bytes that it keeps at most. */
async function probed(http: Record<string, unknown>): Promise<{ result: ProbeResult; most: number }> {
  const server = createServer((_, response) => {
    response.write("ok");
    for (let i = 0; i < 8; i++) response.write(MEGABYTE);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close().closeAllConnections());
  const check = convertHealthCheck(
    {
      timeout: "5s",
      interval: "1s",
      unhealthy_threshold: 1,
      healthy_threshold: 1,
      http_health_check: { path: "/", ...http },
    },
    undefined,
  );
  const { port } = server.address() as AddressInfo;
  const app = new Cluster(cluster("app", port), new StatsStore());
  app.update([{ address: "127.0.0.1", port, endpoint: app.config.endpoints[0]! }]);
  const quiet = quietCluster(app.config);
  cleanups.push(
    () => app.close(),
    () => quiet.close(),
  );
  let most = 0;
  const result = await new Promise<ProbeResult>((resolve, reject) => {
    const probe = new HttpProbe({
      config: check.probe as HttpProbeConfig,
      check,
      cluster: app,
      quiet,
      host: app.hosts[0]!,
      stats: {} as never,
      onBug: reject,
      onResult: resolve,
    });
    cleanups.push(() => probe.close());
    // The only thing that could grow.
    const kept = (probe as unknown as { body: Buffer[] }).body;
    const push = kept.push.bind(kept);
    kept.push = (...chunks) => {
      const length = push(...chunks);
      most = Math.max(
        most,
        kept.reduce((sum, each) => sum + each.length, 0),
      );
      return length;
    };
    probe.start();
  });
  return { result, most };
}

test("of an answer without end no more is kept than is looked through", async () => {
  const { result, most } = await probed({ receive: [{ text: "6f6b" }], response_buffer_size: 16 });
  expect(result.healthy).toBe(true);
  expect(most).toBeLessThanOrEqual(128 * 1024);
});

test("nothing is kept where nobody looks", async () => {
  const { result, most } = await probed({});
  expect(result.healthy).toBe(true);
  expect(most).toBe(0);
});
