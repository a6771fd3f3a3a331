import { HttpFilter, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";
import { MetricsConfig } from "./config";
import { Facts } from "./facts";
import { LocalWorkload } from "./local";
import { SeriesTable } from "./series";
import { Services } from "./services";

class MetricsRoot extends RootContext {
  readonly services: Services = new Services();
  isDestination: bool = true;
  /** Null only until the plugin is configured. */
  table: SeriesTable | null = null;

  onConfigure(config: string): string | null {
    const read = MetricsConfig.read(config);
    this.isDestination = read.isDestination;
    this.table = new SeriesTable(new LocalWorkload(), read.isDestination, read.maxSeries);
    return read.error;
  }
}

class Metrics extends HttpFilter {
  onLog(): void {
    const root = this.root as MetricsRoot;
    const table = root.table;
    if (table == null) return;
    const series = table.find(new Facts(this, root.services, root.isDestination));
    series.requests.increment();
    // No duration: the request never became complete.
    const nanos = this.request.duration;
    if (nanos >= 0) series.duration.record(nanos / 1000000);
    series.requestBytes.record(this.request.totalSize);
    series.responseBytes.record(this.response.totalSize);
  }
}

registerHttp<Metrics, MetricsRoot>("metrics");
