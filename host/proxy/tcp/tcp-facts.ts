import { randomUUID } from "node:crypto";
import type { Clock } from "../../clock";
import { Facts } from "../../stores/facts";
import type { ConnectionInfo, RouteInfo, StreamInfo } from "../../stores/stream-info";
import { ByteCounts } from "../../stores/stream-times";
import type { Cluster, Host } from "../clusters/cluster";
import type { PooledSocket } from "../clusters/connector";
import { tellConnection, tellHost } from "../clusters/host-facts";

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

  private id: string | undefined;

  /** A connection's own. */
  get streamId(): string {
    this.id ??= randomUUID();
    return this.id;
  }

  /** What logs want to know besides, of a connection to a host. */
  hostConnected(socket: PooledSocket, host: Host): void {
    const { upstream } = this;
    tellConnection(upstream, socket);
    if (!this.times) return;
    this.hostTried(host);
    upstream.connectionIds = [socket.connectionId!];
    this.times.connectBegin = socket.connectBegin ?? 0;
    this.times.connectEnd = socket.connectEnd ?? 0;
    this.times.handshakeEnd = socket.handshakeEnd ?? 0;
  }

  /** Every host stands there once. */
  hostTried({ hostname }: Host): void {
    const { upstream } = this;
    upstream.attempted ??= [];
    const address = upstream.address!;
    if (!upstream.attempted.some((each) => each.address === address))
      upstream.attempted.push({ address, hostname });
  }

  /** Of plain bytes all are on the wire. */
  countWire(sent: number, received: number): void {
    const { bytesReceived: wireReceived, bytesSent: wireSent } = this;
    this.downstreamBytes = Object.assign(new ByteCounts(), { wireReceived, wireSent });
    this.upstreamBytes = Object.assign(new ByteCounts(), { wireReceived: received, wireSent: sent });
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
