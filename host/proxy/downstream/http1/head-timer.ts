import type { ManagerTimeouts } from "../../../config/model";
import { ResponseFlag } from "../../../stores/stream-info";
import { Deadlines } from "../../deadlines";
import type { Http1Connection } from "./http1-connection";

type LateCounter =
  | "downstream_rq_header_timeout"
  | "downstream_rq_timeout"
  | "downstream_rq_max_duration_reached"
  | "downstream_rq_idle_timeout";

/** A limit that also counts while a request's head comes, and what follows when that takes too long. */
interface HeadLimit {
  readonly ms: (limits: ManagerTimeouts) => number;
  readonly body: string;
  readonly details: string;
  readonly counter: LateCounter;
  readonly flags: number;
}

const LIMITS: readonly HeadLimit[] = [
  {
    ms: (limits) => limits.requestHeadersMs,
    body: "request header timeout",
    details: "request_header_timeout",
    counter: "downstream_rq_header_timeout",
    flags: 0,
  },
  {
    ms: (limits) => limits.requestMs,
    body: "request timeout",
    details: "request_overall_timeout",
    counter: "downstream_rq_timeout",
    flags: 0,
  },
  {
    ms: (limits) => limits.maxStreamMs,
    body: "downstream duration timeout",
    details: "max_duration_timeout",
    counter: "downstream_rq_max_duration_reached",
    flags: 0,
  },
  {
    ms: (limits) => limits.streamIdleMs,
    body: "stream timeout",
    details: "stream_idle_timeout",
    counter: "downstream_rq_idle_timeout",
    flags: ResponseFlag.StreamIdleTimeout,
  },
];

/** What is said to a client whose request did not come in time. */
export type LateHead = Pick<HeadLimit, "body" | "details" | "flags" | "counter">;

/** Watches for requests whose head begins and does not end. Made once a head has come in pieces. */
export class HeadTimer extends Deadlines {
  private began: number | undefined;

  constructor(
    private readonly connection: Http1Connection,
    private readonly onLate: (late: LateHead) => void,
  ) {
    super(LIMITS.length);
    connection.base.socket.once("close", () => this.stop());
  }

  /** A part of a head is there. */
  begin(): void {
    if (this.began !== undefined) return;
    this.began = performance.now();
    const { timeouts } = this.connection.manager;
    for (const [which, limit] of LIMITS.entries()) {
      const ms = limit.ms(timeouts);
      if (ms > 0) this.set(which, ms);
    }
  }

  /** The head is there. Milliseconds since it began. */
  complete(): number {
    const { began } = this;
    if (began === undefined) return 0;
    this.began = undefined;
    for (const which of LIMITS.keys()) this.clear(which);
    return performance.now() - began;
  }

  protected override onDue(which: number): void {
    this.complete();
    this.onLate(LIMITS[which]!);
  }

  protected override onBug(error: unknown): void {
    this.connection.manager.onBug(error);
    this.connection.base.socket.destroy();
  }
}
