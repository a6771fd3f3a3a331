import type { Http2Config } from "../../config/model";
import { contained, type OnBug } from "../contain";
import type { ClusterStats } from "./cluster-stats";
import type { Connector } from "./connector";
import { type ConnectionLimits, Http2Session } from "./http2-session";

/** A request that gets a place on a connection, now or later. */
export interface SessionUser {
  /** There is room on it; it may be on its way yet. */
  onSession(session: Http2Session): void;
  /** The host cannot be reached. */
  onNoSession(error: Error | undefined): void;
  onBug: OnBug;
}

/** HTTP/2 connections to one host: one as a rule, another when it has no room for more streams, if there may be one. */
export class Http2Pool {
  private readonly sessions = new Set<Http2Session>();
  /** Requests for which there is no room on any connection, and no other connection to be had. */
  private waiting: SessionUser[] = [];
  private closed = false;

  constructor(
    private readonly connector: Connector,
    private readonly options: Http2Config,
    private readonly limits: ConnectionLimits,
    private readonly stats: ClusterStats,
  ) {}

  /** Gives a request its place: on a connection with room, on a new one, or on the next that has room. */
  request(user: SessionUser): void {
    const session = this.withRoom() ?? this.connect();
    if (session) user.onSession(session);
    else this.waiting.push(user);
  }

  private withRoom(): Http2Session | undefined {
    for (const session of this.sessions) if (session.hasRoom) return session;
    return undefined;
  }

  private connect(): Http2Session | undefined {
    if (this.closed || !this.connector.mayConnect()) return undefined;
    const session = new Http2Session(this.connector, this.options, this.limits, this.stats, {
      onRoom: () => this.serve(),
      onClose: () => this.sessions.delete(session),
    });
    this.sessions.add(session);
    session.socket.once("close", () => this.onSocketClosed(session));
    return session;
  }

  private onSocketClosed({ socket }: Http2Session): void {
    if (!socket.established) {
      const failed = this.waiting;
      this.waiting = [];
      for (const user of failed) contained(() => user.onNoSession(socket.errored ?? undefined), user.onBug)();
    }
    // Its place may be another's.
    if (this.waiting.length > 0 && !this.withRoom()) this.connect();
    this.serve();
  }

  /** Those that wait, as long as there is room. */
  private serve(): void {
    while (this.waiting.length > 0) {
      const session = this.withRoom();
      if (!session) return;
      const user = this.waiting.shift()!;
      contained(() => user.onSession(session), user.onBug)();
    }
  }

  /** A request that waits does so no longer. */
  forget(user: SessionUser): void {
    const at = this.waiting.indexOf(user);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  /** A connection is there that has room for a stream more. */
  get hasRoom(): boolean {
    for (const session of this.sessions) if (session.hasRoom && session.socket.established) return true;
    return false;
  }

  /** No new requests on the connections of now. */
  drain(): void {
    for (const session of this.sessions) session.drain();
  }

  /** Cuts everything. */
  close(): void {
    this.closed = true;
    for (const session of this.sessions) session.close();
    this.sessions.clear();
  }
}
