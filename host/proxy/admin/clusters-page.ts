import { CIRCUIT_BREAKERS } from "../../config/defaults";
import { type Cluster, formatAddress, type Host } from "../clusters/cluster";
import { flagNames, HealthFlag } from "../clusters/host-health";
import type { AdminHandler } from "./admin-server";
import { JSON_TYPE, jsonText } from "./json-text";
import { nameFilter } from "./name-filter";

const COUNTERS = ["cx_connect_fail", "cx_total", "rq_error", "rq_success", "rq_timeout", "rq_total"] as const;
const GAUGES = ["cx_active", "rq_active", "rq_pending_active"] as const;

/** The text page lists all numbers of a host by name. */
const SORTED = [...COUNTERS, ...GAUGES].sort();

/** `/clusters`. */
export const clustersPage: AdminHandler = ({ clusters }, query) => {
  const matches = nameFilter(query);
  if (typeof matches !== "function") return matches;
  const shown = [...clusters.clusters.values()].filter((c) => matches(c.config.name));
  if (query.get("format") === "json") {
    return { contentType: JSON_TYPE, body: jsonText({ cluster_statuses: shown.map(clusterJson) }) };
  }
  return { body: shown.flatMap(clusterLines).join("") };
};

function clusterLines(cluster: Cluster): string[] {
  const { name, statName } = cluster.config;
  const lines = [`${name}::observability_name::${statName}\n`];
  for (const priority of ["default_priority", "high_priority"]) {
    // Requests of high priority do not exist here; their limits are shown as Envoy shows them.
    const limits = priority === "default_priority" ? cluster.config.circuitBreakers : CIRCUIT_BREAKERS;
    for (const [limit, value] of Object.entries(limits))
      lines.push(`${name}::${priority}::${limit}::${value}\n`);
  }
  lines.push(`${name}::added_via_api::false\n`);
  for (const host of cluster.hosts) {
    const prefix = `${name}::${formatAddress(host.address, host.port)}::`;
    for (const [key, value] of hostFacts(host)) lines.push(`${prefix}${key}::${value}\n`);
  }
  return lines;
}

function hostFacts(host: Host): (readonly [string, string | number | bigint])[] {
  const { locality } = host.endpoint;
  const flags = flagNames(host.flags);
  return [
    ...SORTED.map((name) => [name, host.stats[name].value] as const),
    ["hostname", host.hostname],
    ["health_flags", flags.length === 0 ? "healthy" : flags.map((flag) => `/${flag}`).join("")],
    ["weight", host.weight],
    ["region", locality.region],
    ["zone", locality.zone],
    ["sub_zone", locality.subZone],
    ["canary", "false"],
    ["priority", host.priority],
    ["success_rate", rate(host.outlier?.external.shown)],
    ["local_origin_success_rate", rate(host.outlier?.local.shown)],
  ];
}

/** As C++ streams a double. */
const rate = (percent = -1) => String(Number(percent.toPrecision(6)));

function clusterJson(cluster: Cluster): unknown {
  return {
    name: cluster.config.name,
    ...(cluster.hosts.length > 0 ? { host_statuses: cluster.hosts.map(hostJson) } : {}),
    circuit_breakers: {
      thresholds: [cluster.config.circuitBreakers, { priority: "HIGH", ...CIRCUIT_BREAKERS }],
    },
    observability_name: cluster.config.statName,
  };
}

/** Protobuf's JSON leaves zeros out. */
function hostJson(host: Host): unknown {
  const { region, zone, subZone } = host.endpoint.locality;
  const value = (n: number | bigint) => (n.toString() === "0" ? {} : { value: String(n) });
  return {
    address: { socket_address: { address: host.address, port_value: host.port } },
    stats: [
      ...COUNTERS.map((name) => ({ ...value(host.stats[name].value), name })),
      ...GAUGES.map((name) => ({ type: "GAUGE", ...value(host.stats[name].value), name })),
    ],
    health_status: healthJson(host),
    ...rateJson("success_rate", host.outlier?.external.shown),
    weight: host.weight,
    ...(host.hostname === "" ? {} : { hostname: host.hostname }),
    locality: {
      ...(region === "" ? {} : { region }),
      ...(zone === "" ? {} : { zone }),
      ...(subZone === "" ? {} : { sub_zone: subZone }),
    },
    ...(host.priority === 0 ? {} : { priority: host.priority }),
    ...rateJson("local_origin_success_rate", host.outlier?.local.shown),
  };
}

/** Nothing of a host that is not judged. */
function rateJson(name: string, percent = -1): Record<string, unknown> {
  return percent < 0 ? {} : { [name]: percent === 0 ? {} : { value: percent } };
}

const JSON_FLAGS = [
  ["failed_active_health_check", HealthFlag.FailedActiveHc],
  ["failed_outlier_check", HealthFlag.FailedOutlierCheck],
  ["failed_active_degraded_check", HealthFlag.DegradedActiveHc],
  ["pending_dynamic_removal", HealthFlag.PendingDynamicRemoval],
  ["pending_active_hc", HealthFlag.PendingActiveHc],
  ["excluded_via_immediate_hc_fail", HealthFlag.ExcludedViaImmediateHcFail],
  ["active_hc_timeout", HealthFlag.ActiveHcTimeout],
] as const;

function healthJson(host: Host): unknown {
  const set = JSON_FLAGS.filter(([, flag]) => host.has(flag));
  return {
    ...Object.fromEntries(set.map(([name]) => [name, true])),
    eds_health_status: endpointHealth(host),
  };
}

function endpointHealth(host: Host): string {
  if (host.has(HealthFlag.FailedEdsHealth)) return "UNHEALTHY";
  if (host.has(HealthFlag.EdsStatusDraining)) return "DRAINING";
  return host.has(HealthFlag.DegradedEdsHealth) ? "DEGRADED" : "HEALTHY";
}
