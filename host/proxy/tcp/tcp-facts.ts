import type { Clock } from "../../clock";
import { FilterState } from "../../stores/filter-state";
import {
  type ConnectionInfo,
  type RouteInfo,
  type StreamInfo,
  type UpstreamInfo,
  unknownUpstream,
} from "../../stores/stream-info";
import { type Cluster, formatAddress, type Host } from "../clusters/cluster";

/** The facts of one TCP connection: what has to do with HTTP stays empty. */
export class TcpFacts implements StreamInfo {
  readonly protocol = undefined;
  readonly startTime: bigint;
  readonly startMonotonic: bigint;
  /** A connection has no duration that filters could see. */
  readonly endMonotonic = undefined;
  readonly requestHeaders = undefined;
  readonly responseHeaders = undefined;
  readonly responseTrailers = undefined;
  readonly responseCode = undefined;
  readonly responseCodeDetails = undefined;
  responseFlags = 0;
  bytesReceived = 0;
  bytesSent = 0;
  readonly upstreamRequestStart = undefined;
  readonly upstreamResponseEnd = undefined;
  readonly connectionTermination = undefined;
  /** Unlike an HTTP stream a connection has failed for no reason from the start (observed). */
  readonly upstream: UpstreamInfo = { ...unknownUpstream(), transportFailureReason: "" };
  readonly filterState: FilterState;
  /** Known once the proxy has looked for it. */
  cluster: Cluster | undefined;

  constructor(
    readonly connection: ConnectionInfo,
    readonly listener: StreamInfo["listener"],
    private readonly clock: Clock,
  ) {
    this.filterState = new FilterState(connection.filterState);
    this.startTime = clock.now();
    this.startMonotonic = clock.monotonic();
  }

  /** A connection has no route but its cluster. */
  route(): RouteInfo | undefined {
    const config = this.cluster?.config;
    return {
      routeName: undefined,
      routeMetadata: undefined,
      virtualHostName: undefined,
      virtualHostMetadata: undefined,
      clusterName: config?.name,
      clusterMetadata: config?.metadata,
      clusterEndpoints: this.cluster?.hosts.length,
    };
  }

  /** A connection to that host came about, or did not, since it was asked for. */
  connectionTried({ address, port, endpoint }: Host, since: bigint): void {
    const { upstream } = this;
    upstream.poolReadyDuration = this.clock.monotonic() - since;
    upstream.address = formatAddress(address, port);
    upstream.port = port;
    upstream.locality = endpoint.locality;
    upstream.metadata = endpoint.metadata;
    upstream.localityMetadata = endpoint.localityMetadata;
  }
}
