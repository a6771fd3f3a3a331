import { EJECTION_KINDS, type EjectionKind } from "../../config/model/outlier";
import type { StatCounter, StatGauge, StatsStore } from "../stats/store";

/** `cluster.X.outlier_detection.*`, there from the start. */
export class OutlierStats {
  readonly detected: Readonly<Record<EjectionKind, StatCounter>>;
  readonly enforced: Readonly<Record<EjectionKind, StatCounter>>;
  readonly enforcedTotal: StatCounter;
  readonly overflow: StatCounter;
  readonly active: StatGauge;
  readonly degradation: StatCounter;
  /** Deprecated, and moved all the same. */
  readonly total: StatCounter;
  readonly consecutive5xx: StatCounter;
  readonly successRate: StatCounter;

  /** @param prefix `cluster.X.` */
  constructor(store: StatsStore, prefix: string) {
    const counter = (name: string) => store.counter(`${prefix}outlier_detection.ejections_${name}`);
    const each = (what: string) =>
      Object.fromEntries(EJECTION_KINDS.map((kind) => [kind, counter(`${what}_${kind}`)])) as Record<
        EjectionKind,
        StatCounter
      >;
    this.detected = each("detected");
    this.enforced = each("enforced");
    this.enforcedTotal = counter("enforced_total");
    this.overflow = counter("overflow");
    this.total = counter("total");
    this.consecutive5xx = counter("consecutive_5xx");
    this.successRate = counter("success_rate");
    this.degradation = counter("detected_degradation");
    this.active = store.gauge(`${prefix}outlier_detection.ejections_active`);
  }
}
