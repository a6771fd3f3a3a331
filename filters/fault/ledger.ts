import { Metric, MetricType } from "proxy-wasm-toolkit/sdk";

/** Counts of what was injected. The proxy keeps them: all workers, and all fault plugins, see the same. */
export class Ledger {
  private readonly delays: Metric = Metric.define(MetricType.Counter, "wasm_fault_delays_injected");
  private readonly aborts: Metric = Metric.define(MetricType.Counter, "wasm_fault_aborts_injected");
  private readonly rateLimits: Metric = Metric.define(MetricType.Counter, "wasm_fault_response_rl_injected");
  private readonly stalls: Metric = Metric.define(MetricType.Counter, "wasm_fault_stalls_injected");
  private readonly truncations: Metric = Metric.define(MetricType.Counter, "wasm_fault_truncations_injected");
  private readonly overflow: Metric = Metric.define(MetricType.Counter, "wasm_fault_faults_overflow");
  private readonly active: Metric = Metric.define(MetricType.Gauge, "wasm_fault_active_faults");

  /** `most` faults at a time; -1 = any number. */
  constructor(private readonly most: i64) {}

  /**
   * Enters one more stream, unless that is too many. Nothing locks the gauge between look and entry: as with Envoy's own
   * limit, workers that look at the same instant may pass it together.
   */
  enter(): bool {
    const most = this.most;
    if (most >= 0 && this.active.value >= most) {
      this.overflow.increment(1);
      return false;
    }
    this.active.increment(1);
    return true;
  }

  leave(): void {
    this.active.increment(-1);
  }

  delayed(): void {
    this.delays.increment(1);
  }

  aborted(): void {
    this.aborts.increment(1);
  }

  rateLimited(): void {
    this.rateLimits.increment(1);
  }

  stalled(): void {
    this.stalls.increment(1);
  }

  truncated(): void {
    this.truncations.increment(1);
  }
}
