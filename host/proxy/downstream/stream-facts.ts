import type { Clock } from "../../clock";
import type { VirtualHostConfig } from "../../config/model";
import { Facts } from "../../stores/facts";
import type { ConnectionInfo, RouteInfo, StreamInfo } from "../../stores/stream-info";
import type { Host } from "../clusters/cluster";
import type { ClusterManager } from "../clusters/cluster-manager";
import { tellHost } from "../clusters/host-facts";
import { randomNumber } from "../router/matchers";
import type { Route } from "../router/route";
import type { RouteTable } from "../router/route-table";

/** The facts of one stream, kept by its parts as they come to know them. */
export class StreamFacts extends Facts {
  override protocol = "HTTP/1.1";
  /** The port that a tunnel is to lead to, when the host is looked at without it. */
  connectPort: string | undefined;
  private matched: Route | undefined;
  /** Of a request without a route. */
  private virtualHost: VirtualHostConfig | undefined;
  private stale = true;
  routeLookups = 0;
  /** Decides about fractions and weights, the same way however often the route is looked up. */
  private readonly random = randomNumber();

  constructor(
    connection: ConnectionInfo,
    listener: StreamInfo["listener"],
    clock: Clock,
    private readonly routes: RouteTable,
    private readonly clusters: ClusterManager,
  ) {
    super(connection, listener, clock);
  }

  /** The route of the request as its headers stand now; what the router follows. */
  currentRoute(): Route | undefined {
    if (this.stale && this.requestHeaders) {
      this.stale = false;
      this.routeLookups++;
      this.matched = this.routes.find(this.requestHeaders, this.random);
      this.virtualHost = this.matched ? undefined : this.routes.virtualHost(this.requestHeaders);
    }
    return this.matched;
  }

  /** The route found last. Header edits do not change it before somebody asks for the current one. */
  get knownRoute(): Route | undefined {
    return this.matched;
  }

  clearRoute(): void {
    this.stale = true;
  }

  /** Trusted headers name another client than the connection does. */
  setRemoteAddress(address: string, port: number): void {
    this.remoteAddress = address;
    this.remotePort = port;
  }

  /** The router has chosen where the request goes. */
  hostChosen(host: Host): void {
    const { upstream } = this;
    upstream.transportFailureReason ??= "";
    tellHost(upstream, host);
  }

  route(): RouteInfo | undefined {
    const config = this.matched?.config;
    const virtualHost = this.matched?.virtualHost ?? this.virtualHost;
    if (!virtualHost) return undefined;
    const clusterName = this.matched?.cluster;
    const cluster = clusterName === undefined ? undefined : this.clusters.get(clusterName);
    return {
      routeName: config?.name,
      routeMetadata: config?.metadata,
      virtualHostName: virtualHost.name,
      virtualHostMetadata: virtualHost.metadata,
      clusterName: cluster && clusterName,
      clusterMetadata: cluster?.config.metadata,
      clusterEndpoints: cluster?.hosts.length,
      clusterStatName: cluster?.config.statName,
    };
  }
}
