import type { Clock } from "../../clock";
import type { VirtualHostConfig } from "../../config/model";
import { FilterState } from "../../stores/filter-state";
import type { HeaderMap } from "../../stores/header-map";
import {
  type ConnectionInfo,
  type RouteInfo,
  type StreamInfo,
  type UpstreamInfo,
  unknownUpstream,
} from "../../stores/stream-info";
import { formatAddress, type Host } from "../clusters/cluster";
import type { ClusterManager } from "../clusters/cluster-manager";
import type { Route } from "../router/route";
import type { RouteTable } from "../router/route-table";

/** The facts of one stream, kept by its parts as they come to know them. */
export class StreamFacts implements StreamInfo {
  protocol = "HTTP/1.1";
  readonly startTime: bigint;
  readonly startMonotonic: bigint;
  endMonotonic: bigint | undefined;
  requestHeaders: HeaderMap | undefined;
  responseHeaders: HeaderMap | undefined;
  responseTrailers: HeaderMap | undefined;
  responseCode: number | undefined;
  responseCodeDetails: string | undefined;
  responseFlags = 0;
  bytesReceived = 0;
  bytesSent = 0;
  upstreamRequestStart: bigint | undefined;
  upstreamResponseEnd: bigint | undefined;
  connectionTermination: string | undefined;
  readonly upstream: UpstreamInfo = unknownUpstream();
  readonly filterState: FilterState;
  private matched: Route | undefined;
  /** Of a request without a route. */
  private virtualHost: VirtualHostConfig | undefined;
  private stale = true;
  /** Decides about fractions and weights, the same way however often the route is looked up. */
  private readonly random = Math.floor(Math.random() * 2 ** 53);

  constructor(
    readonly connection: ConnectionInfo,
    readonly listener: StreamInfo["listener"],
    clock: Clock,
    private readonly routes: RouteTable,
    private readonly clusters: ClusterManager,
  ) {
    this.filterState = new FilterState(connection.filterState);
    this.startTime = clock.now();
    this.startMonotonic = clock.monotonic();
  }

  /** The route of the request as its headers stand now; what the router follows. */
  currentRoute(): Route | undefined {
    if (this.stale && this.requestHeaders) {
      this.stale = false;
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

  /** The router has chosen where the request goes. */
  hostChosen({ address, port, endpoint }: Host): void {
    const { upstream } = this;
    upstream.attempts = (upstream.attempts ?? 0) + 1;
    upstream.transportFailureReason ??= "";
    upstream.address = formatAddress(address, port);
    upstream.port = port;
    upstream.locality = endpoint.locality;
    upstream.metadata = endpoint.metadata;
    upstream.localityMetadata = endpoint.localityMetadata;
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
    };
  }
}
