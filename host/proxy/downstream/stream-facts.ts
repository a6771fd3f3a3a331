import type { Clock } from "../../clock";
import type { HeaderMap } from "../../stores/header-map";
import type { ConnectionInfo, RouteInfo, StreamInfo, UpstreamInfo } from "../../stores/stream-info";
import type { ClusterManager } from "../clusters/cluster-manager";
import type { Route, RouteTable } from "../router/route-table";

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
  upstreamRequestDone: bigint | undefined;
  upstreamResponseStart: bigint | undefined;
  connectionTermination: string | undefined;
  readonly upstream: UpstreamInfo = {
    address: undefined,
    port: undefined,
    localAddress: undefined,
    attempts: 0,
    endpoints: undefined,
    transportFailureReason: "",
  };
  private values: Map<string, Buffer> | undefined;
  private matched: Route | undefined;
  private stale = true;

  constructor(
    readonly connection: ConnectionInfo,
    readonly listener: StreamInfo["listener"],
    clock: Clock,
    private readonly routes: RouteTable,
    private readonly clusters: ClusterManager,
  ) {
    this.startTime = clock.now();
    this.startMonotonic = clock.monotonic();
  }

  get filterState(): Map<string, Buffer> {
    this.values ??= new Map();
    return this.values;
  }

  /** The route of the request as its headers stand now; what the router follows. */
  currentRoute(): Route | undefined {
    if (this.stale && this.requestHeaders) {
      this.stale = false;
      this.matched = this.routes.find(this.requestHeaders);
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

  route(): RouteInfo | undefined {
    const route = this.matched;
    if (!route) return undefined;
    const { config, virtualHost } = route;
    const clusterName = config.action.kind === "cluster" ? config.action.cluster : undefined;
    return {
      routeName: config.name,
      routeMetadata: config.metadata,
      virtualHostName: virtualHost.name,
      virtualHostMetadata: virtualHost.metadata,
      clusterName,
      clusterMetadata:
        clusterName === undefined ? undefined : this.clusters.get(clusterName)?.config.metadata,
    };
  }
}
