import type { BalancingConfig } from "../../host/config/model";
import { HostSetBalancer } from "../../host/proxy/balancing/host-set-balancer";
import type { Host } from "../../host/proxy/clusters/host";
import { hostSet } from "../../host/proxy/clusters/host-set";
import type { HostGroup } from "./numbered-hosts";

const HEALTH = { h: "healthy", u: "unhealthy", d: "degraded" } as const;
const HOST_SETS = {
  overprovisioningFactor: 140,
  weightedPriorityHealth: false,
  panicThreshold: 50,
  failTrafficOnPanic: false,
  localityWeighted: true,
  localLocality: { region: "", zone: "", subZone: "" },
};

/** Where this project's own tables put a hash; both engines must find it there. */
export function placesOf(
  ports: readonly number[],
  groups: readonly HostGroup[],
  policy: "RING_HASH" | "MAGLEV",
  localityWeighted: boolean,
) {
  const all: Host[] = [];
  for (const { hosts: states, priority = 0, zone = "", weight = 0, hostWeights } of groups)
    for (const [i, state] of [...states].entries())
      all.push({
        address: "127.0.0.1",
        port: ports[all.length]!,
        hostname: "",
        weight: hostWeights?.[i] ?? 1,
        priority,
        health: HEALTH[state as keyof typeof HEALTH],
        excluded: false,
        endpoint: { locality: { region: "", zone, subZone: "" }, localityWeight: weight },
      } as unknown as Host);
  const balancing: BalancingConfig = {
    policy,
    choices: 2,
    minimumRing: 1024,
    maximumRing: 8_388_608,
    tableSize: 65_537,
    useHostname: false,
    activeRequestBias: 1,
    slowStart: undefined,
  };
  const rules = { balancing, hostSets: { ...HOST_SETS, localityWeighted }, random: Math.random };
  const priorities = Math.max(...all.map(({ priority }) => priority)) + 1;
  const sets = Array.from({ length: priorities }, (_, priority) =>
    hostSet(
      all.filter((host) => host.priority === priority),
      HOST_SETS,
    ),
  );
  const lb_healthy_panic = { inc() {} };
  const balancer = new HostSetBalancer(sets, { ...rules, stats: { lb_healthy_panic } as never }, new Map());
  /** The number of the host; -1 = none. `failed`: one that a retry is to pass over. */
  return (hash: bigint, failed?: number) => {
    const avoid = (host: Host) => host === all[failed!];
    const host = balancer.pick(failed === undefined ? { hash } : { hash, avoid, attempts: 5 });
    return host ? all.indexOf(host) : -1;
  };
}
