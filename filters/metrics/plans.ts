import { Counter, Histogram, Metric } from "proxy-wasm-toolkit/sdk";
import { COMMON_LABELS, LABEL_NAMES, LABELS, Label } from "./labels";

/** Kinds of traffic, each with metrics of its own. */
export enum Traffic {
  Http = 0,
  Grpc,
  Tcp,
}

/** A tag of a metric: the value at `index` of a label set, or the same text always. */
export class Tag {
  constructor(
    readonly name: string,
    readonly index: i32,
    readonly text: string,
  ) {}
}

/** One of Istio's metrics: whether it is counted, and with which tags. */
export class MetricPlan {
  disabled: bool = false;
  readonly tags: Tag[] = [];
  private counter: Counter | null = null;
  private histogram: Histogram | null = null;

  constructor(
    /** As `match.metric` of Istio's Telemetry calls it. */
    readonly key: string,
    readonly name: string,
    private readonly isHistogram: bool,
    labels: i32,
  ) {
    for (let i = 0; i < labels; i++) this.tags.push(new Tag(LABEL_NAMES[i], i, ""));
  }

  /** Gives the tag that value, or adds it at the end. */
  upsert(tag: Tag): void {
    const at = this.find(tag.name);
    if (at < 0) this.tags.push(tag);
    else this.tags[at] = tag;
  }

  remove(name: string): void {
    const at = this.find(name);
    if (at >= 0) this.tags.splice(at, 1);
  }

  private find(name: string): i32 {
    for (let i = 0; i < this.tags.length; i++) if (this.tags[i].name == name) return i;
    return -1;
  }

  /** Sets the most series there may be, before the first is defined. */
  limit(series: i32): void {
    if (this.isHistogram) this.histogram = new Histogram(this.name, series);
    else this.counter = new Counter(this.name, series);
  }

  /** The series with these labels; none = 0, which counts nothing. */
  series(values: StaticArray<string>): Metric {
    const counter = this.counter;
    const histogram = this.histogram;
    if (this.disabled) return changetype<Metric>(0);
    if (counter != null) {
      this.write<Counter>(counter, values);
      return counter.series();
    }
    if (histogram == null) return changetype<Metric>(0);
    this.write<Histogram>(histogram, values);
    return histogram.series();
  }

  private write<M>(metric: M, values: StaticArray<string>): void {
    for (let i = 0; i < this.tags.length; i++) {
      const tag = this.tags[i];
      metric.tag(tag.name, tag.index < 0 ? tag.text : values[tag.index]);
    }
  }
}

function tcp(key: string, name: string): MetricPlan {
  const plan = new MetricPlan(key, name, false, LABELS);
  plan.remove(LABEL_NAMES[Label.Code]);
  plan.remove(LABEL_NAMES[Label.GrpcStatus]);
  return plan;
}

/** All of Istio's metrics as they are without any override, by traffic. */
export function standardPlans(): MetricPlan[][] {
  return [
    [
      new MetricPlan("REQUEST_COUNT", "istio_requests_total", false, LABELS),
      new MetricPlan("REQUEST_DURATION", "istio_request_duration_milliseconds", true, LABELS),
      new MetricPlan("REQUEST_SIZE", "istio_request_bytes", true, LABELS),
      new MetricPlan("RESPONSE_SIZE", "istio_response_bytes", true, LABELS),
    ],
    [
      new MetricPlan("GRPC_REQUEST_MESSAGES", "istio_request_messages_total", false, COMMON_LABELS),
      new MetricPlan("GRPC_RESPONSE_MESSAGES", "istio_response_messages_total", false, COMMON_LABELS),
    ],
    [
      tcp("TCP_OPENED_CONNECTIONS", "istio_tcp_connections_opened_total"),
      tcp("TCP_CLOSED_CONNECTIONS", "istio_tcp_connections_closed_total"),
      tcp("TCP_SENT_BYTES", "istio_tcp_sent_bytes_total"),
      tcp("TCP_RECEIVED_BYTES", "istio_tcp_received_bytes_total"),
    ],
  ];
}
