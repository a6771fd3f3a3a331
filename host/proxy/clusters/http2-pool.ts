import type { Http2Config } from "../../config/model";
import type { ClusterStats } from "./cluster-stats";
import type { Connector } from "./connector";
import { type ConnectionLimits, Http2Session } from "./http2-session";

/** HTTP/2 connections to one host: one as a rule, another when it has no room for more streams. */
export class Http2Pool {
  private readonly sessions = new Set<Http2Session>();

  constructor(
    private readonly connector: Connector,
    private readonly options: Http2Config,
    private readonly limits: ConnectionLimits,
    private readonly stats: ClusterStats,
  ) {}

  /** A connection with room, made when there is none. */
  session(): Http2Session {
    for (const session of this.sessions) if (session.hasRoom) return session;
    const session = new Http2Session(this.connector, this.options, this.limits, this.stats, () =>
      this.sessions.delete(session),
    );
    this.sessions.add(session);
    return session;
  }

  /** A connection is there that has room for a stream more. */
  get hasRoom(): boolean {
    for (const session of this.sessions) if (session.hasRoom && session.socket.established) return true;
    return false;
  }

  /** No new requests will come. */
  drain(): void {
    for (const session of this.sessions) session.drain();
  }

  /** Cuts everything. */
  close(): void {
    for (const session of this.sessions) session.close();
    this.sessions.clear();
  }
}
