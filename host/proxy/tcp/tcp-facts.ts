import type { Clock } from "../../clock";
import { Facts } from "../../stores/facts";
import type { ConnectionInfo, RouteInfo, StreamInfo } from "../../stores/stream-info";
import type { Cluster, Host } from "../clusters/cluster";
import { tellHost } from "../clusters/host-facts";

/** The facts of one TCP connection: what has to do with HTTP stays empty. */
export class TcpFacts extends Facts {
  /** Known once the proxy has looked for it. */
  cluster: Cluster | undefined;

  constructor(
    connection: ConnectionInfo,
    listener: StreamInfo["listener"],
    private readonly clock: Clock,
  ) {
    super(connection, listener, clock);
    // Unlike an HTTP stream a connection has failed for no reason from the start (observed).
    this.upstream.transportFailureReason = "";
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
      clusterStatName: config?.statName,
    };
  }

  /** A connection to that host came about, or did not, since it was asked for. */
  connectionTried(host: Host, since: bigint): void {
    const { upstream } = this;
    upstream.poolReadyDuration = this.clock.monotonic() - since;
    tellHost(upstream, host);
  }
}
