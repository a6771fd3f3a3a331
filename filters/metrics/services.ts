import { getPropertyString, PropertyPath } from "proxy-wasm-toolkit/sdk";

const CLUSTER_NAME = PropertyPath.of(["xds", "cluster_name"]);
const ROUTE_NAME = PropertyPath.of(["xds", "route_name"]);

/** Clusters for traffic no service is known for: their own names stand for it. */
const PASSTHROUGH: string[] = [
  "BlackHoleCluster",
  "PassthroughCluster",
  "InboundPassthroughCluster",
  "InboundPassthroughClusterIpv4",
  "InboundPassthroughClusterIpv6",
];

/** Most clusters that are remembered. */
const MAX_KNOWN = 4096;

/** What a cluster says of the service behind it; "" = nothing. */
export class Service {
  constructor(
    readonly host: string,
    readonly name: string,
    readonly namespace: string,
  ) {}
}

const NONE = new Service("", "", "");
const BLACK_HOLE = new Service("", "BlackHoleCluster", "");

function field(name: string): string {
  const path = ["xds", "cluster_metadata", "filter_metadata", "istio", "services", "0", name];
  const value = getPropertyString(PropertyPath.of(path));
  return value == null ? "" : value;
}

/** Reads the metadata Istio gives a cluster: `istio: {services: [{host, name, namespace}]}`. */
function readService(cluster: string): Service {
  if (PASSTHROUGH.includes(cluster)) return new Service("", cluster, "");
  const host = field("host");
  if (host == "") return NONE;
  const dot = host.indexOf(".");
  const name = field("name");
  return new Service(host, name != "" ? name : dot < 0 ? host : host.substring(0, dot), field("namespace"));
}

/** Services by cluster; a cluster's metadata is read once. */
export class Services {
  private readonly known: Map<string, Service> = new Map<string, Service>();

  /** Service of the request that has just ended. */
  current(): Service {
    const cluster = getPropertyString(CLUSTER_NAME);
    if (cluster == null) return getPropertyString(ROUTE_NAME) == "block_all" ? BLACK_HOLE : NONE;
    if (this.known.has(cluster)) return this.known.get(cluster);
    const service = readService(cluster);
    if (this.known.size < MAX_KNOWN) this.known.set(cluster, service);
    return service;
  }
}
