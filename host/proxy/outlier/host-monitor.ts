import type { EjectionKind, OutlierConfig } from "../../config/model/outlier";
import { SuccessRate } from "./success-rate";

/** What happened between the proxy and a host, besides an HTTP response. */
export type Outcome =
  /** A connection is there; what becomes of the request on it is told by itself. */
  | "connected"
  /** A connection is there, and nobody here understands what is said on it. */
  | "connected for good"
  | "connect failed"
  | "timeout";

const GATEWAY_ERRORS: ReadonlySet<number> = new Set([502, 503, 504]);

/** What an outcome counts as among the responses, where the two are not told apart. */
const AS_RESPONSE: Readonly<Record<Outcome, number | undefined>> = {
  connected: undefined,
  "connected for good": 200,
  "connect failed": 503,
  timeout: 504,
};

/** Counts what a host does, and tells when it has failed too often in a row. */
export class HostMonitor {
  /** By responses, and by connections. */
  readonly external = new SuccessRate();
  readonly local = new SuccessRate();
  private fives = 0;
  private gateway = 0;
  private origin = 0;

  constructor(
    private readonly config: OutlierConfig,
    private readonly onTooMany: (kind: EjectionKind) => void,
    private readonly onDegraded: () => void,
  ) {}

  /** A response says that the host is degraded. */
  degraded(): void {
    if (this.config.detectDegraded) this.onDegraded();
  }

  /** A response has begun. @param status that of gRPC, turned into HTTP's, where there is one */
  response(status: number): void {
    const failed = status >= 500 && status < 600;
    this.external.count(!failed);
    if (!failed) {
      this.fives = 0;
      this.gateway = 0;
      return;
    }
    // The thresholds are met once and not passed: what counts on behind one in vain starts again at the next good response.
    if (!GATEWAY_ERRORS.has(status)) this.gateway = 0;
    else if (++this.gateway === this.config.consecutiveGatewayFailure)
      this.onTooMany("consecutive_gateway_failure");
    if (++this.fives === this.config.consecutive5xx) this.onTooMany("consecutive_5xx");
  }

  outcome(outcome: Outcome): void {
    if (!this.config.splitOrigins) {
      const status = AS_RESPONSE[outcome];
      if (status !== undefined) this.response(status);
      return;
    }
    const good = outcome === "connected" || outcome === "connected for good";
    this.local.count(good);
    if (good) this.origin = 0;
    else if (++this.origin === this.config.consecutiveLocalOriginFailure)
      this.onTooMany("consecutive_local_origin_failure");
  }

  /** Counting starts anew, of one kind or of all. */
  reset(kind?: EjectionKind): void {
    if (!kind || kind === "consecutive_5xx") this.fives = 0;
    if (!kind || kind === "consecutive_gateway_failure") this.gateway = 0;
    if (!kind || kind === "consecutive_local_origin_failure") this.origin = 0;
  }
}
