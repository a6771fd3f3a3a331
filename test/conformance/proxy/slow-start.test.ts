import { expect, vi } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";
import { endpointOf, numberedHosts, stats } from "../../support/numbered-hosts";

const WINDOW_MS = 1500;
const [other] = await numberedHosts(1);

/** Of the behaviours that run, by their paths for checks. */
const ill = new Set<string>();

function warming(policy: string, config: string) {
  return (port: number): Json => ({
    lb_policy: policy,
    [config]: { slow_start_config: { slow_start_window: `${WINDOW_MS / 1000}s` } },
    health_checks: [
      {
        timeout: "1s",
        interval: "0.05s",
        no_traffic_interval: "0.05s",
        healthy_threshold: 1,
        unhealthy_threshold: 1,
        http_health_check: { path: `/${policy}` },
      },
    ],
    load_assignment: {
      cluster_name: "any",
      endpoints: [{ lb_endpoints: [endpointOf(port), endpointOf(other!.port)] }],
    },
  });
}

/** How many of the next requests the behaviour's own host gets. */
async function share(b: Behaviour, of: number): Promise<number> {
  const client = await b.connect();
  let own = 0;
  for (let i = 0; i < of; i++) if ((await client.exchange({})).header("x-host") === undefined) own++;
  return own;
}

conformance("Slow start", (section) => {
  for (const [policy, config] of [
    ["ROUND_ROBIN", "round_robin_lb_config"],
    ["LEAST_REQUEST", "least_request_lb_config"],
  ] as const)
    section.behaviour(
      `${policy}: a host that has recovered gets little at first, and its part in the end`,
      {
        cluster: warming(policy, config),
        upstream: ({ path }, reply) => reply.send(ill.has(path) ? { status: 503 } : {}),
      },
      async (b) => {
        const healthy = () => stats(section, b, "membership_healthy");
        ill.add(`/${policy}`);
        await vi.waitFor(async () => expect(await healthy()).toEqual([1]), { timeout: 5000 });
        expect(await share(b, 20)).toBe(0);
        await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
        ill.delete(`/${policy}`);
        const recovered = performance.now();
        await vi.waitFor(async () => expect(await healthy()).toEqual([2]), { interval: 10, timeout: 5000 });
        const first = await share(b, 40);
        // As warm as it can have become by now, beside one that is.
        const part = Math.max(0.1, (performance.now() - recovered) / WINDOW_MS);
        expect(first).toBeGreaterThan(0);
        expect(first).toBeLessThanOrEqual((40 * part) / (1 + part) + 3);
        await vi.waitFor(async () => expect(await share(b, 40)).toBeGreaterThanOrEqual(18), {
          timeout: 5000,
        });
      },
    );
});
