import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { systemClock } from "../../clock";
import type { ClusterConfig, Http2Config } from "../../config/model";
import type { WireHeaders } from "../http2/wire-headers";
import { IdleTimer } from "../idle-timer";
import type { ClusterStats } from "./cluster-stats";
import type { Connector, PooledSocket } from "./connector";

/** Memory of one session that node:http2 allows, MiB; its default of 10 is too little for a thousand streams. */
const MAX_MEMORY = 1024;

/** How long a connection is used; 0 = without limit. */
export type ConnectionLimits = Pick<ClusterConfig, "maxRequestsPerConnection" | "idleTimeoutMs" | "codec">;

/** Whose the connection is. */
export interface SessionPool {
  /** There may be room for one more request. */
  onRoom(): void;
  onClose(): void;
}

/** One HTTP/2 connection to a host, shared by many requests. */
export class Http2Session {
  readonly socket: PooledSocket;
  private readonly session: ClientHttp2Session;
  private active = 0;
  /** Streams so far. */
  private opened = 0;
  private readonly idle: IdleTimer;

  constructor(
    connector: Connector,
    private readonly options: Http2Config,
    private readonly limits: ConnectionLimits,
    stats: ClusterStats,
    private readonly pool: SessionPool,
  ) {
    const socket = connector.connect("http2");
    this.socket = socket;
    const session = connect("http://host", {
      createConnection: () => socket,
      settings: {
        enablePush: false,
        headerTableSize: options.tableSize,
        initialWindowSize: options.streamWindow,
        maxConcurrentStreams: options.maxConcurrentStreams,
        maxHeaderListSize: limits.codec.limits.bytes,
      },
      peerMaxConcurrentStreams: options.maxConcurrentStreams,
      maxHeaderListPairs: limits.codec.limits.count,
      maxSessionMemory: MAX_MEMORY,
    });
    this.session = session;
    session.once("connect", () => session.destroyed || session.setLocalWindowSize(options.connectionWindow));
    // Before node:http2 hears of the handshake: it takes a socket up that is gone, and dies of it.
    socket.once("refused", () => session.destroy());
    // The streams tell; nobody else waits for this connection.
    session.on("error", () => {});
    this.idle = new IdleTimer(systemClock, limits.idleTimeoutMs, () => {
      if (this.active > 0) {
        this.idle.restart();
        return;
      }
      stats.upstream_cx_idle_timeout.inc();
      session.close();
    });
    session.once("close", () => {
      this.idle.stop();
      pool.onClose();
    });
  }

  /** May one more request go on it? Not after GOAWAY, which closes the session as far as node:http2 is concerned. */
  get hasRoom(): boolean {
    const { session, socket, options } = this;
    if (session.closed || session.destroyed || socket.destroyed || socket.remoteEnded) return false;
    if (this.usedUp) return false;
    const theirs = session.remoteSettings?.maxConcurrentStreams ?? options.maxConcurrentStreams;
    return this.active < Math.min(options.maxConcurrentStreams, theirs);
  }

  private get usedUp(): boolean {
    const most = this.limits.maxRequestsPerConnection;
    return most > 0 && this.opened >= most;
  }

  get destroyed(): boolean {
    return this.session.destroyed || this.socket.destroyed;
  }

  /** Opens a stream. Throws when node:http2 refuses the headers. */
  open(headers: WireHeaders, endStream: boolean): ClientHttp2Stream {
    const stream = this.session.request(headers, { endStream, waitForTrailers: !endStream });
    this.active++;
    this.opened++;
    this.socket.busy = true;
    stream.once("close", () => {
      this.active--;
      if (this.active === 0) {
        this.socket.busy = false;
        if (this.usedUp) this.session.close();
        else this.idle.touch();
      }
      this.pool.onRoom();
    });
    return stream;
  }

  /** No new streams; ends with the last one. */
  drain(): void {
    this.session.close();
  }

  close(): void {
    this.session.destroy();
    this.socket.destroy();
  }
}
