import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { DynamicTags } from "./dynamic-tags";
import { LABELS } from "./labels";
import { MetricPlan, Tag } from "./plans";
import { tagNameError } from "./tag-names";

const METRICS: string[] = ["providers", "overrides", "reportingInterval"];
const OVERRIDE: string[] = ["match", "disabled", "tagOverrides"];
const MATCH: string[] = ["metric", "mode"];
const TAG: string[] = ["operation", "value"];
const ALL = "ALL_METRICS";
const NANOS_PER_MS: i64 = 1000000;
const SHORTEST: i64 = 10;
const LONGEST: i64 = 86400000;

/** Reads `metrics` of Istio's Telemetry into plans: what later overrides say replaces what earlier ones said. */
export class Telemetry {
  /** Milliseconds between two reports on a stream that is open. */
  interval: u32 = 5000;

  constructor(
    private readonly fields: Fields,
    private readonly plans: MetricPlan[][],
    private readonly dynamic: DynamicTags,
    private readonly mode: string,
  ) {}

  read(value: JsonValue | null): void {
    const list = this.fields.list(value, "metrics");
    for (let i = 0; i < list.length; i++) this.readMetrics(list[i], `metrics[${i}]`);
  }

  private readMetrics(value: JsonValue, path: string): void {
    if (!this.fields.object(value, path, METRICS)) return;
    this.readProviders(value.get("providers"), `${path}.providers`);
    const overrides = this.fields.list(value.get("overrides"), `${path}.overrides`);
    for (let i = 0; i < overrides.length; i++) this.readOverride(overrides[i], `${path}.overrides[${i}]`);
    const interval = value.get("reportingInterval");
    if (interval != null) this.readInterval(interval, `${path}.reportingInterval`);
  }

  /** There is one place where the series go: whatever a provider is called, it is this. */
  private readProviders(value: JsonValue | null, path: string): void {
    const providers = this.fields.list(value, path);
    for (let i = 0; i < providers.length; i++) {
      const at = `${path}[${i}]`;
      if (this.fields.object(providers[i], at, ["name"]))
        this.fields.text(providers[i].get("name"), `${at}.name`);
    }
  }

  private readInterval(value: JsonValue, path: string): void {
    const text = this.fields.text(value, path);
    const ms = parseDuration(text) / NANOS_PER_MS;
    if (ms >= SHORTEST && ms <= LONGEST) this.interval = <u32>ms;
    else this.fields.fail(path, "expected a duration from 10ms to 24h");
  }

  private readOverride(value: JsonValue, path: string): void {
    if (!this.fields.object(value, path, OVERRIDE)) return;
    const plans = this.readMatch(value.get("match"), `${path}.match`);
    const disabled = value.get("disabled");
    if (disabled != null) {
      const off = this.fields.bool(disabled, `${path}.disabled`);
      for (let i = 0; i < plans.length; i++) plans[i].disabled = off;
    }
    const tags = value.get("tagOverrides");
    if (tags == null || !this.fields.isObject(tags, `${path}.tagOverrides`)) return;
    for (let i = 0; i < tags.keys.length; i++) {
      const name = tags.keys[i];
      this.readTag(plans, name, tags.items[i], `${path}.tagOverrides.${name}`);
    }
  }

  /** The metrics an override is about, empty when it is about the other end of exchanges. */
  private readMatch(value: JsonValue | null, path: string): MetricPlan[] {
    let metric = ALL;
    let mode = "CLIENT_AND_SERVER";
    if (value != null && this.fields.object(value, path, MATCH)) {
      metric = this.fields.textOr(value, "metric", path, metric);
      mode = this.fields.textOr(value, "mode", path, mode);
    }
    const isOurs = mode == this.mode || mode == "CLIENT_AND_SERVER";
    if (!isOurs && mode != "CLIENT" && mode != "SERVER")
      this.fields.fail(`${path}.mode`, "expected CLIENT_AND_SERVER, CLIENT or SERVER");
    const found: MetricPlan[] = [];
    let known = metric == ALL;
    for (let i = 0; i < this.plans.length; i++) {
      for (let k = 0; k < this.plans[i].length; k++) {
        const plan = this.plans[i][k];
        if (metric != ALL && metric != plan.key) continue;
        known = true;
        if (isOurs) found.push(plan);
      }
    }
    if (!known) this.fields.fail(`${path}.metric`, `unknown metric (known: ${this.names()})`);
    return found;
  }

  private names(): string {
    const names: string[] = [ALL];
    for (let i = 0; i < this.plans.length; i++)
      for (let k = 0; k < this.plans[i].length; k++) names.push(this.plans[i][k].key);
    return names.join(", ");
  }

  private readTag(plans: MetricPlan[], name: string, value: JsonValue, path: string): void {
    const why = tagNameError(name);
    if (why != "") this.fields.fail(path, why);
    if (!this.fields.object(value, path, TAG)) return;
    const operation = this.fields.textOr(value, "operation", path, "UPSERT");
    const text = value.get("value");
    if (operation == "REMOVE") {
      if (text != null) this.fields.fail(`${path}.value`, "REMOVE takes no value");
      for (let i = 0; i < plans.length; i++) plans[i].remove(name);
    } else if (operation != "UPSERT") {
      this.fields.fail(`${path}.operation`, "expected UPSERT or REMOVE");
    } else {
      const tag = this.readExpression(name, this.fields.text(text, `${path}.value`), `${path}.value`);
      for (let i = 0; i < plans.length; i++) plans[i].upsert(tag);
    }
  }

  private readExpression(name: string, text: string, path: string): Tag {
    const literal = literalOf(text);
    if (literal != null) return new Tag(name, -1, literal);
    const index = text == "" ? -1 : this.dynamic.add(text);
    if (index < 0) this.fields.fail(path, "not an expression this proxy can evaluate (a text needs quotes)");
    return new Tag(name, LABELS + max(index, 0), "");
  }
}

/** Content of a CEL string without escapes, or null. */
function literalOf(text: string): string | null {
  const quote = text.length < 2 ? 0 : text.charCodeAt(0);
  if ((quote != 34 && quote != 39) || text.charCodeAt(text.length - 1) != quote) return null;
  for (let i = 1; i < text.length - 1; i++) {
    const c = text.charCodeAt(i);
    if (c == quote || c == 92 || c < 32) return null;
  }
  return text.substring(1, text.length - 1);
}
