import type { RetryPolicy } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import type { Cluster } from "../clusters/cluster";
import type { UpstreamStream } from "../clusters/upstream-events";
import { RequestCopy } from "./request-copy";
import { type AttemptFailure, type RetryDecision, RetryState } from "./retry-state";

/** The retries of one request: what is kept to be sent again, and the wait for the next attempt. */
export class Retries {
  private readonly state: RetryState;
  private readonly copy: RequestCopy;
  private timer: NodeJS.Timeout | undefined;
  private over = false;

  /** @param next makes the next attempt; catches what it throws */
  constructor(
    policy: RetryPolicy,
    private readonly cluster: Cluster,
    endStream: boolean,
    bufferLimit: number,
    private readonly next: () => void,
  ) {
    this.state = new RetryState(policy, cluster);
    this.copy = new RequestCopy(endStream, bufferLimit);
  }

  /** No attempt is under way; one will be. */
  get waiting(): boolean {
    return this.timer !== undefined;
  }

  /** Keeps a part of the body. False when a retry waits that now cannot have it whole: the request has failed. */
  keep(chunk: Buffer, endStream: boolean): boolean {
    if (this.over || this.copy.add(chunk, endStream)) return true;
    // A body that is too long to be kept is sent once.
    this.cluster.stats.retry_or_shadow_abandoned.inc();
    const { waiting } = this;
    this.stop();
    return !waiting;
  }

  keepTrailers(trailers: HeaderMap): void {
    if (!this.over) this.copy.finish(trailers);
  }

  onHeaders(headers: HeaderMap): RetryDecision {
    return this.carryOut(this.over ? "no" : this.state.onHeaders(headers));
  }

  onReset(reason: AttemptFailure, begun: boolean): RetryDecision {
    return this.carryOut(this.over ? "no" : this.state.onReset(reason, begun));
  }

  private carryOut(decision: RetryDecision): RetryDecision {
    if (decision !== "retry") this.stop();
    else
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.state.begins();
        this.next();
      }, this.state.delay);
    return decision;
  }

  /** Nothing but headers is there to be sent. */
  get bare(): boolean {
    return this.copy.bare;
  }

  /** Sends what there is of the body. False asks for a pause. */
  replay(to: UpstreamStream): boolean {
    return this.copy.replay(to);
  }

  /** There will be no more of them. */
  stop(): void {
    this.over = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.state.release();
  }
}
