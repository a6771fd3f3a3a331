import { getPropertyString, PropertyPath } from "proxy-wasm-toolkit/sdk";

const METADATA: string[] = ["xds", "cluster_metadata", "filter_metadata", "istio"];
const EXTERNAL = PropertyPath.of(METADATA).at("external");

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
    /** Whether proxies of the mesh stand before it, so that it may be told who calls. */
    readonly inMesh: bool,
  ) {}
}

const NONE = new Service("", "", "", false);

function field(name: string): string {
  const value = getPropertyString(PropertyPath.of(METADATA.concat(["services", "0", name])));
  return value == null ? "" : value;
}

/** Reads the metadata Istio gives a cluster: `istio: {services: [{host, name, namespace}]}`. */
function readService(cluster: string): Service {
  if (PASSTHROUGH.includes(cluster)) return new Service("", cluster, "", false);
  const host = field("host");
  if (host == "") return NONE;
  const dot = host.indexOf(".");
  const name = field("name");
  const known = name != "" ? name : dot < 0 ? host : host.substring(0, dot);
  return new Service(host, known, field("namespace"), !EXTERNAL.bool);
}

/** Services by cluster; a cluster's metadata is read once. */
export class Services {
  private readonly known: Map<string, Service> = new Map<string, Service>();

  /** Service of the current stream, whose cluster that is; "" = none. */
  of(cluster: string): Service {
    if (cluster == "") return NONE;
    if (this.known.has(cluster)) return this.known.get(cluster);
    const service = readService(cluster);
    if (this.known.size < MAX_KNOWN) this.known.set(cluster, service);
    return service;
  }
}
