import { getPropertyInt, getPropertyString, PropertyPath } from "../hostcalls/properties";

/** Which traffic a listener is for. */
export enum TrafficDirection {
  Unspecified = 0,
  Inbound = 1,
  Outbound = 2,
}

/** The proxy itself, from `node` in its file or `--service-node`; there in every callback, roots included. */
@unmanaged
export class XdsNode {
  /** `node.id`. */
  get id(): string | null {
    return getPropertyString("xds.node.id");
  }

  /** `node.cluster`: the service the proxy stands for. */
  get cluster(): string | null {
    return getPropertyString("xds.node.cluster");
  }

  /** `node.locality.region`. */
  get region(): string | null {
    return getPropertyString("xds.node.locality.region");
  }

  /** `node.locality.zone`. */
  get zone(): string | null {
    return getPropertyString("xds.node.locality.zone");
  }

  /** `node.locality.sub_zone`. */
  get subZone(): string | null {
    return getPropertyString("xds.node.locality.sub_zone");
  }

  /** @example xds.node.metadata.at("LABELS").at("app").text */
  get metadata(): PropertyPath {
    return PropertyPath.of(["xds", "node", "metadata"]);
  }
}

/**
 * What the proxy's configuration says about the current stream: its listener, route and cluster. Metadata are paths:
 * `xds.routeMetadata.at("my.namespace").at("key").text`. Route and cluster are those chosen so far, and do not follow a
 * header edited just now.
 */
@unmanaged
export class Xds {
  /** The proxy itself. */
  get node(): XdsNode {
    return changetype<XdsNode>(0);
  }

  /** Cluster of the chosen route. */
  get clusterName(): string | null {
    return getPropertyString("xds.cluster_name");
  }

  /** Metadata of that cluster. */
  get clusterMetadata(): PropertyPath {
    return metadataOf("cluster_metadata");
  }

  /** `name` of the chosen route. */
  get routeName(): string | null {
    return getPropertyString("xds.route_name");
  }

  /** Metadata of that route. */
  get routeMetadata(): PropertyPath {
    return metadataOf("route_metadata");
  }

  /** Name of that route's virtual host. */
  get virtualHostName(): string | null {
    return getPropertyString("xds.virtual_host_name");
  }

  /** Metadata of that virtual host. */
  get virtualHostMetadata(): PropertyPath {
    return metadataOf("virtual_host_metadata");
  }

  /** `traffic_direction` of the stream's listener. */
  get listenerDirection(): TrafficDirection {
    return <TrafficDirection>(<i32>getPropertyInt("xds.listener_direction"));
  }

  /** Metadata of that listener. */
  get listenerMetadata(): PropertyPath {
    return metadataOf("listener_metadata");
  }

  /** `name` of the filter chain that took the connection. */
  get filterChainName(): string | null {
    return getPropertyString("xds.filter_chain_name");
  }

  /** Of the host the request went to: on the response side. */
  get upstreamHostMetadata(): PropertyPath {
    return metadataOf("upstream_host_metadata");
  }

  /** Metadata of that host's locality: on the response side. */
  get upstreamHostLocalityMetadata(): PropertyPath {
    return metadataOf("upstream_host_locality_metadata");
  }
}

function metadataOf(name: string): PropertyPath {
  return PropertyPath.of(["xds", name, "filter_metadata"]);
}

/** The proxy's configuration around the current stream. */
export const xds: Xds = changetype<Xds>(0);
