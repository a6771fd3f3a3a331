import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { DynamicTags } from "./dynamic-tags";
import { MetricPlan, standardPlans } from "./plans";
import { Telemetry } from "./telemetry";

const KNOWN: string[] = [
  "reporter",
  "maxSeries",
  "peerExchange",
  "disableHostHeaderFallback",
  "metrics",
  "appMetrics",
];

/** The plugin's settings. */
export class MetricsConfig {
  /** Reports as the destination's proxy (inbound) or the source's (outbound). */
  isDestination: bool = true;
  /** Most label sets that are counted on their own. */
  maxSeries: i32 = 1000;
  /**
   * Whether proxies tell each other in headers which workloads they stand for. Unless it is said, a proxy does that when
   * it knows its own: others are in no mesh.
   */
  peerExchange: bool = false;
  private saysPeerExchange: bool = false;
  /** Whether a request's authority names a service that its cluster does not name. */
  readsAuthority: bool = true;
  /** Whether the metrics that apps usually have are counted too. */
  appMetrics: bool = false;
  /** Milliseconds between two reports on a stream that is open. */
  interval: u32 = 5000;
  readonly plans: MetricPlan[][] = standardPlans();
  readonly dynamicTags: DynamicTags = new DynamicTags();
  /** What is wrong with the text; null = nothing. */
  error: string | null = null;

  static read(text: string): MetricsConfig {
    const config = new MetricsConfig();
    const fields = new Fields();
    const root = fields.parse(text, KNOWN);
    if (root != null) config.readFields(fields, root);
    if (fields.error != "") config.error = fields.error;
    return config;
  }

  /** What depends on whether the proxy knows which workload it stands for. */
  settle(knowsItself: bool): void {
    if (!this.saysPeerExchange) this.peerExchange = knowsItself;
  }

  private readFields(fields: Fields, root: JsonValue): void {
    const reporter = fields.text(root.get("reporter"), "reporter");
    this.isDestination = reporter == "destination";
    if (!this.isDestination && reporter != "source")
      fields.fail("reporter", 'expected "destination" or "source"');
    const most = root.get("maxSeries");
    if (most != null) this.maxSeries = fields.integer(most, "maxSeries", 1, 100000);
    this.saysPeerExchange = root.get("peerExchange") != null;
    this.peerExchange = readBool(fields, root, "peerExchange", false);
    this.readsAuthority = !readBool(fields, root, "disableHostHeaderFallback", false);
    this.appMetrics = readBool(fields, root, "appMetrics", false);
    const mode = this.isDestination ? "SERVER" : "CLIENT";
    const telemetry = new Telemetry(fields, this.plans, this.dynamicTags, mode);
    telemetry.read(root.get("metrics"));
    this.interval = telemetry.interval;
  }
}

function readBool(fields: Fields, root: JsonValue, key: string, missing: bool): bool {
  const value = root.get(key);
  return value == null ? missing : fields.bool(value, key);
}
