import { MetricType } from "../abi/metric-type";
import { Status } from "../abi/status";
import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from "../env";
import { encode, encodedSize } from "../memory/encode";
import { OUT, VALUE, VALUE_SIZE } from "../memory/layout";

/** Asks the host for a metric's id; 0 when it refuses. */
export function defineMetric(type: MetricType, name: usize, size: usize): u32 {
  return proxy_define_metric(type, name, size, OUT) == Status.Ok ? load<u32>(OUT) : 0;
}

/** One time series in the proxy. Keep it to save the look-up by tags. */
@unmanaged
export class Metric {
  /** A metric of that whole name, e.g. `requests_total`; the proxy shows it as `wasmcustom.requests_total`. */
  static define(type: MetricType, name: string): Metric {
    const text = encode(name, VALUE, VALUE_SIZE);
    return changetype<Metric>(<usize>defineMetric(type, text, encodedSize()));
  }

  private get id(): u32 {
    return <u32>changetype<usize>(this);
  }

  /** Adds to a counter (only more than 0) or a gauge. */
  increment(delta: i64 = 1): Status {
    return proxy_increment_metric(this.id, delta);
  }

  /** Sets a gauge, or puts a value into a histogram. */
  record(value: i64): Status {
    return proxy_record_metric(this.id, value);
  }

  /** Value of a counter or gauge; 0 for a histogram. */
  get value(): i64 {
    return proxy_get_metric(this.id, OUT) == Status.Ok ? load<i64>(OUT) : 0;
  }
}
