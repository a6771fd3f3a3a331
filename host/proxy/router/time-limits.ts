import { ResponseFlag } from "../../stores/stream-info";
import type { LocalReply } from "../../stream/filter";
import type { Cluster } from "../clusters/cluster";
import type { ResponseCodeStats } from "../clusters/cluster-stats";
import { Deadlines } from "../deadlines";
import type { RequestLimits } from "./request-limits";

/** What limits know of the exchange they are set to, and may do to it. */
export interface LimitedExchange {
  readonly cluster: Cluster;
  readonly codes: ResponseCodeStats;
  readonly responseStarted: boolean;
  readonly requestComplete: boolean;
  /** An attempt is under way. */
  readonly trying: boolean;
  /** None is; one will be. */
  readonly waiting: boolean;
  /** Ends the running attempt. @param late the host is to blame */
  dropAttempt(late: boolean): void;
  /** True when another attempt will come in place of one that was dropped. */
  retryDropped(late: boolean): boolean;
  /** Answers for the host, or cuts the answer that it has begun. */
  end(reply: LocalReply): void;
  /** One of these has thrown. */
  onUpstreamBug(error: unknown): void;
}

const REQUEST = 0;
const ATTEMPT = 1;
const IDLE = 2;
const DURATION = 3;

/** The time limits of one request on its way to a cluster, and what comes of each. */
export class TimeLimits extends Deadlines {
  constructor(
    private readonly limits: RequestLimits,
    private readonly exchange: LimitedExchange,
  ) {
    super(4);
  }

  requestComplete(): void {
    const { requestMs } = this.limits;
    if (requestMs > 0) this.set(REQUEST, requestMs);
  }

  /** An attempt has a connection. */
  attemptBegins(): void {
    const { streamMs = this.exchange.cluster.config.maxStreamMs } = this.limits;
    if (streamMs > 0) this.set(DURATION, streamMs);
    if (this.exchange.requestComplete) this.attemptWaits();
  }

  /** It has one, and the request is complete. */
  attemptWaits(): void {
    const { attemptMs, attemptIdleMs } = this.limits;
    if (attemptMs > 0 && !this.exchange.responseStarted) this.set(ATTEMPT, attemptMs);
    if (attemptIdleMs > 0) this.set(IDLE, attemptIdleMs);
  }

  /** Something of its response has come. */
  attemptMoves(): void {
    this.clear(ATTEMPT);
    const { attemptIdleMs } = this.limits;
    if (attemptIdleMs > 0 && this.exchange.requestComplete) this.set(IDLE, attemptIdleMs);
  }

  /** It is over, or given up. */
  attemptEnds(): void {
    this.clear(ATTEMPT);
    this.clear(IDLE);
    this.clear(DURATION);
  }

  protected override onDue(which: number): void {
    const { exchange } = this;
    if (which === REQUEST) this.onTimeout();
    else if (!exchange.trying) return;
    else if (which === ATTEMPT)
      this.onAttemptTimeout("upstream_rq_per_try_timeout", "upstream_per_try_timeout");
    else if (which === IDLE)
      this.onAttemptTimeout("upstream_rq_per_try_idle_timeout", "upstream_per_try_idle_timeout");
    else this.onMaxDuration();
  }

  protected override onBug(error: unknown): void {
    this.exchange.onUpstreamBug(error);
  }

  private onTimeout(): void {
    const { exchange } = this;
    // A request that waits for its next attempt is not counted.
    if (exchange.trying) {
      exchange.dropAttempt(true);
      exchange.cluster.stats.upstream_rq_timeout.inc();
      this.countAnswer();
    } else if (!exchange.waiting) return;
    this.tooLate("response_timeout");
  }

  private onAttemptTimeout(
    counter: "upstream_rq_per_try_timeout" | "upstream_rq_per_try_idle_timeout",
    details: string,
  ): void {
    const { exchange } = this;
    exchange.cluster.stats[counter].inc();
    exchange.dropAttempt(true);
    if (exchange.retryDropped(true)) return;
    this.countAnswer();
    this.tooLate(details);
  }

  private onMaxDuration(): void {
    const { exchange } = this;
    exchange.cluster.stats.upstream_rq_max_duration_reached.inc();
    exchange.dropAttempt(false);
    if (exchange.retryDropped(false)) return;
    exchange.end({
      status: exchange.requestComplete ? 504 : 408,
      body: "upstream max stream duration reached",
      details: "upstream_max_stream_duration_reached",
      flags: ResponseFlag.UpstreamMaxStreamDurationReached,
    });
  }

  private countAnswer(): void {
    const { codes, responseStarted } = this.exchange;
    if (!responseStarted) codes.count(this.limits.altResponse ? 204 : 504);
  }

  private tooLate(details: string): void {
    const flags = ResponseFlag.UpstreamRequestTimeout;
    const answer = this.limits.altResponse
      ? { status: 204, body: "" }
      : { status: 504, body: "upstream request timeout" };
    this.exchange.end({ ...answer, details, flags });
  }
}
