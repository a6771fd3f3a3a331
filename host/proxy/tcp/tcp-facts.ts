import type { Clock } from "../../clock";
import type { ConnectionInfo, RouteInfo, StreamInfo, UpstreamInfo } from "../../stores/stream-info";
import type { Cluster } from "../clusters/cluster";

/** The facts of one TCP connection: what has to do with HTTP stays empty. */
export class TcpFacts implements StreamInfo {
  readonly protocol = "";
  readonly startTime: bigint;
  readonly startMonotonic: bigint;
  endMonotonic: bigint | undefined;
  readonly requestHeaders = undefined;
  readonly responseHeaders = undefined;
  readonly responseTrailers = undefined;
  readonly responseCode = undefined;
  responseCodeDetails: string | undefined;
  responseFlags = 0;
  bytesReceived = 0;
  bytesSent = 0;
  readonly upstreamRequestDone = undefined;
  readonly upstreamResponseStart = undefined;
  connectionTermination: string | undefined;
  readonly upstream: UpstreamInfo = {
    address: undefined,
    port: undefined,
    localAddress: undefined,
    attempts: 0,
    endpoints: undefined,
    transportFailureReason: "",
  };
  readonly filterState = new Map<string, Buffer>();
  /** Known once the proxy has looked for it. */
  cluster: Cluster | undefined;

  constructor(
    readonly connection: ConnectionInfo,
    readonly listener: StreamInfo["listener"],
    clock: Clock,
  ) {
    this.startTime = clock.now();
    this.startMonotonic = clock.monotonic();
  }

  route(): RouteInfo | undefined {
    const config = this.cluster?.config;
    return {
      routeName: "",
      routeMetadata: undefined,
      virtualHostName: "",
      virtualHostMetadata: undefined,
      clusterName: config?.name,
      clusterMetadata: config?.metadata,
    };
  }
}
