import type { Socket } from "node:net";
import { FilterState } from "../../stores/filter-state";
import type { ConnectionInfo } from "../../stores/stream-info";
import { formatAddress } from "../clusters/cluster";
import { nextConnectionId } from "../connection-ids";
import { plainAddress } from "../listen";
import type { ClientSocket } from "../listener";
import type { StatCounter } from "../stats/store";
import { ServerTlsSocket } from "../tls/server-tls";
import type { CodecConnection } from "./codec";
import type { ConnectionTimers } from "./connection-timers";

/** One client connection: what streams on it share. */
export class DownstreamConnection {
  readonly info: ConnectionInfo;
  private readonly opened = performance.now();
  /** Streams not finished yet. */
  active = 0;
  /** What speaks on it, once that is known. */
  codec: CodecConnection | undefined;
  /** The client went first. */
  remoteClosed = false;
  /** It is to end soon: responses say so where their protocol can. */
  retiring = false;

  timers: ConnectionTimers | undefined;
  private bytesIn = 0;
  private bytesOut = 0;

  /** `info`: what is known of the connection already, by what stands in front of the connection manager. */
  constructor(
    readonly socket: Socket,
    info?: ConnectionInfo,
  ) {
    const local = plainAddress(socket.localAddress);
    const remote = plainAddress(socket.remoteAddress);
    this.info = info ?? {
      id: nextConnectionId(),
      localAddress: formatAddress(local, socket.localPort ?? 0),
      localPort: socket.localPort ?? 0,
      remoteAddress: formatAddress(remote, socket.remotePort ?? 0),
      remotePort: socket.remotePort ?? 0,
      requestedServerName: (socket as ClientSocket).requestedServerName ?? "",
      tls: socket instanceof ServerTlsSocket ? socket.facts : undefined,
      filterState: new FilterState(),
    };
  }

  /** Milliseconds since it was opened. */
  get age(): number {
    return performance.now() - this.opened;
  }

  /** Adds what was transferred since the last look. */
  countBytes(received: StatCounter, sent: StatCounter): void {
    const { bytesRead, bytesWritten } = this.socket;
    received.add(bytesRead - this.bytesIn);
    sent.add(bytesWritten - this.bytesOut);
    this.bytesIn = bytesRead;
    this.bytesOut = bytesWritten;
  }
}
