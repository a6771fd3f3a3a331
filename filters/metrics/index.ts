import { Counter, Histogram, HttpFilter, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";
import { MetricsConfig } from "./config";
import { describe } from "./describe";
import { LocalWorkload } from "./local";
import { addLabels } from "./tags";

class MetricsRoot extends RootContext {
  config: MetricsConfig = new MetricsConfig();
  local: LocalWorkload | null = null;
  requests: Counter | null = null;
  duration: Histogram | null = null;
  requestBytes: Histogram | null = null;
  responseBytes: Histogram | null = null;

  onConfigure(config: string): string | null {
    const read = MetricsConfig.read(config);
    const most = read.maxSeries;
    this.config = read;
    this.local = new LocalWorkload();
    this.requests = new Counter("istio_requests_total", most);
    this.duration = new Histogram("istio_request_duration_milliseconds", most);
    this.requestBytes = new Histogram("istio_request_bytes", most);
    this.responseBytes = new Histogram("istio_response_bytes", most);
    return read.error;
  }
}

class Metrics extends HttpFilter {
  onLog(): void {
    const root = this.root as MetricsRoot;
    const labels = describe(this, root.config, root.local as LocalWorkload);
    const requests = root.requests as Counter;
    addLabels<Counter>(requests, labels);
    requests.increment();
    const duration = root.duration as Histogram;
    addLabels<Histogram>(duration, labels);
    duration.record(this.request.duration / 1000000);
    const requestBytes = root.requestBytes as Histogram;
    addLabels<Histogram>(requestBytes, labels);
    requestBytes.record(this.request.totalSize);
    const responseBytes = root.responseBytes as Histogram;
    addLabels<Histogram>(responseBytes, labels);
    responseBytes.record(this.response.totalSize);
  }
}

registerHttp<Metrics, MetricsRoot>("metrics");
