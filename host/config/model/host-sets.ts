/** What `load_assignment.policy` and `common_lb_config` say of how a cluster's hosts are grouped and chosen from. */
export interface HostSetsConfig {
  /** Percent; default 140: a priority keeps all of its traffic until less than 72 % of its hosts are healthy. */
  overprovisioningFactor: number;
  /** A priority's health is that of its hosts' weights, not of their number. */
  weightedPriorityHealth: boolean;
  /** Percent of healthy hosts below which a priority's health is disregarded; default 50, 0 = never. */
  panicThreshold: number;
  /** Then there is no host, in place of any host. */
  failTrafficOnPanic: boolean;
  /** Localities of a priority share its traffic by their weights. */
  localityWeighted: boolean;
  /** Of the proxy itself; its hosts stand first. */
  localLocality: Locality;
}

export interface Locality {
  region: string;
  zone: string;
  subZone: string;
}

/** `HealthStatus` of an endpoint. */
export type EndpointHealth = "UNKNOWN" | "HEALTHY" | "UNHEALTHY" | "DRAINING" | "TIMEOUT" | "DEGRADED";
