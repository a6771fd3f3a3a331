import { exactNumber } from "./number-text";
import { BUCKETS, type StatsSelection } from "./render";
import type { Stat, StatHistogram, StatsStore } from "./store";
import type { TagExtraction } from "./tags";

/** Stats of guests leave without this part of their name, and without `envoy_`. */
const CUSTOM_NAMESPACE = "wasmcustom.";

interface Line<T> {
  stat: T;
  labels: string;
}

/** The metric name, or undefined when it cannot be one: guests may not begin a name with a digit. */
function metricName(extracted: string): string | undefined {
  const clean = (text: string) => text.replace(/[^a-zA-Z0-9_]/g, "_");
  if (!extracted.startsWith(CUSTOM_NAMESPACE)) return `envoy_${clean(extracted)}`;
  const own = extracted.slice(CUSTOM_NAMESPACE.length);
  return own === "" || /^[0-9]/.test(own) ? undefined : clean(own);
}

function labelText(tags: readonly (readonly [string, string])[]): string {
  return tags
    .map(([name, value]) => `${name.replace(/[^a-zA-Z0-9_]/g, "_")}="${escapeValue(value)}"`)
    .join(",");
}

function escapeValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** Stats of one kind by metric, both sorted by name. */
function group<T extends Stat>(
  stats: Iterable<T>,
  tags: TagExtraction,
  wanted: StatsSelection,
): (readonly [string, Line<T>[]])[] {
  const groups = new Map<string, Line<T>[]>();
  for (const stat of stats) {
    if ((wanted.usedOnly && !stat.used) || !wanted.matches(stat.name)) continue;
    const { name, tags: labels } = tags.extract(stat.name);
    const list = groups.get(name) ?? [];
    list.push({ stat, labels: labelText(labels) });
    groups.set(name, list);
  }
  const out: [string, Line<T>[]][] = [];
  for (const [name, lines] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const metric = metricName(name);
    if (metric === undefined) continue;
    lines.sort((a, b) => (a.stat.name < b.stat.name ? -1 : 1));
    out.push([metric, lines]);
  }
  return out;
}

/** `/stats/prometheus`: counters, gauges, histograms in Prometheus' text format. */
export function renderPrometheus(store: StatsStore, tags: TagExtraction, wanted: StatsSelection): string {
  const out: string[] = [];
  for (const [metric, lines] of group(store.counters.values(), tags, wanted)) {
    out.push(`# TYPE ${metric} counter\n`);
    for (const { stat, labels } of lines) out.push(`${metric}{${labels}} ${stat.value}\n`);
  }
  for (const [metric, lines] of group(store.gauges.values(), tags, wanted)) {
    out.push(`# TYPE ${metric} gauge\n`);
    for (const { stat, labels } of lines) out.push(`${metric}{${labels}} ${stat.value}\n`);
  }
  for (const [metric, lines] of group(store.histograms.values(), tags, wanted)) {
    out.push(`# TYPE ${metric} histogram\n`);
    for (const { stat, labels } of lines) out.push(histogramLines(metric, stat, labels));
  }
  return out.join("");
}

function histogramLines(metric: string, stat: StatHistogram, labels: string): string {
  const { cumulative } = stat;
  const before = labels === "" ? "" : `${labels},`;
  const lines = BUCKETS.map((b) => `${metric}_bucket{${before}le="${b}"} ${cumulative.countBelow(b)}\n`);
  lines.push(
    `${metric}_bucket{${before}le="+Inf"} ${cumulative.count}\n`,
    `${metric}_sum{${labels}} ${exactNumber(cumulative.sum())}\n`,
    `${metric}_count{${labels}} ${cumulative.count}\n`,
  );
  return lines.join("");
}
