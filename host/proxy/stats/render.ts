import { shortNumber } from "./number-text";
import type { StatHistogram, StatsStore } from "./store";

/** Which stats a request to `/stats` wants. */
export interface StatsSelection {
  usedOnly: boolean;
  /** True for names to print. */
  matches: (name: string) => boolean;
  type: "All" | "Counters" | "Gauges" | "Histograms" | "TextReadouts";
}

/** Quantiles of the summaries, in percent. */
export const QUANTILES = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100] as const;

/** Upper bounds of Envoy's default buckets. */
export const BUCKETS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000,
  3600000,
] as const;

const FRACTIONS = QUANTILES.map((q) => q / 100);

function byName<T extends { name: string }>(a: T, b: T): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function numbers(store: StatsStore, wanted: StatsSelection): { name: string; value: number | bigint }[] {
  const stats = [
    ...(wanted.type === "All" || wanted.type === "Counters" ? store.counters.values() : []),
    ...(wanted.type === "All" || wanted.type === "Gauges" ? store.gauges.values() : []),
  ];
  return stats.filter((s) => (s.used || !wanted.usedOnly) && wanted.matches(s.name)).sort(byName);
}

function histograms(store: StatsStore, wanted: StatsSelection): StatHistogram[] {
  if (wanted.type !== "All" && wanted.type !== "Histograms") return [];
  return [...store.histograms.values()]
    .filter((s) => (s.used || !wanted.usedOnly) && wanted.matches(s.name))
    .sort(byName);
}

/** `name: value` lines, then histogram summaries `P50(interval,cumulative)`. */
export function renderText(store: StatsStore, wanted: StatsSelection): string {
  const lines = numbers(store, wanted).map((s) => `${s.name}: ${s.value}\n`);
  for (const histogram of histograms(store, wanted)) lines.push(`${histogram.name}: ${summary(histogram)}\n`);
  return lines.join("");
}

function summary(histogram: StatHistogram): string {
  if (histogram.cumulative.count === 0) return "No recorded values";
  const interval = histogram.interval.quantiles(FRACTIONS);
  const cumulative = histogram.cumulative.quantiles(FRACTIONS);
  return QUANTILES.map((q, i) => `P${q}(${shortNumber(interval[i]!)},${shortNumber(cumulative[i]!)})`).join(
    " ",
  );
}

export function renderJson(store: StatsStore, wanted: StatsSelection): string {
  // u64 gauges do not fit a JS number: their digits are written as they are.
  const stats = numbers(store, wanted).map((s) => `{"name":${JSON.stringify(s.name)},"value":${s.value}}`);
  const shown = histograms(store, wanted);
  if (shown.length > 0) {
    const quantiles = shown.map((histogram) => {
      const interval = histogram.interval.quantiles(FRACTIONS);
      const cumulative = histogram.cumulative.quantiles(FRACTIONS);
      const values = QUANTILES.map((_, i) => ({ cumulative: cumulative[i], interval: interval[i] }));
      return { name: histogram.name, values };
    });
    stats.push(
      JSON.stringify({ histograms: { supported_quantiles: QUANTILES, computed_quantiles: quantiles } }),
    );
  }
  return `{"stats":[${stats.join(",")}]}`;
}
