import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { type Family, hasPrometheusParser, parsePrometheus } from "../../test/support/prometheus";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

interface Panel {
  id: number;
  type: string;
  title: string;
  targets?: { expr: string; legendFormat: string }[];
}

const dashboard = JSON.parse(readFileSync(new URL("dashboard.json", import.meta.url), "utf8")) as {
  panels: Panel[];
  templating: { list: { name: string; query: string | { query: string } }[] };
};

/** What Grafana puts in the place of variables. */
const plain = (expr: string) => expr.replaceAll("$__rate_interval", "1m").replaceAll("$service", ".*");

const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr: plain(expr), legend: legendFormat })),
);

/** What an expression speaks of, by kinds of nodes of its syntax tree. */
function parts(expr: string): { errors: number; metrics: string[]; labels: string[] } {
  const found = { errors: 0, metrics: [] as string[], labels: [] as string[] };
  parser.parse(expr).iterate({
    enter({ type, from, to, node }) {
      if (type.isError) found.errors++;
      if (type.name === "Identifier" && node.parent?.name === "VectorSelector")
        found.metrics.push(expr.slice(from, to));
      if (type.name === "LabelName") found.labels.push(expr.slice(from, to));
    },
  });
  return found;
}

describe("examples/dashboard", () => {
  test("panels have numbers of their own, and something to show", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(dashboard.panels.filter(({ type, targets }) => type !== "row" && !targets?.length)).toEqual([]);
  });

  test.each(expressions)("$title: $expr", ({ expr }) => {
    const { errors, metrics } = parts(expr);
    expect(errors).toBe(0);
    expect(metrics.length).toBeGreaterThan(0);
  });

  test("a wrong expression would be seen", () => {
    expect(parts("sum by (a (rate(b[1m]))").errors).toBeGreaterThan(0);
  });
});

/** The metric's family; the parser names a counter without its suffix. */
function familyOf(families: readonly Family[], metric: string): Family | undefined {
  const names = ["", "_bucket", "_total"].filter((suffix) => metric.endsWith(suffix));
  return families.find(({ name }) => names.some((suffix) => metric === name + suffix));
}

/** Labels that are asked for or shown and that nothing has. */
function missingLabels(
  families: readonly Family[],
  { expr, legend }: { expr: string; legend: string },
): string[] {
  const { metrics, labels } = parts(expr);
  const known = new Set(["le", "instance"]);
  for (const metric of metrics)
    for (const sample of familyOf(families, metric)?.samples ?? [])
      for (const name of Object.keys(sample.labels)) known.add(name);
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name!);
  return [...labels, ...shown].filter((name) => !known.has(name));
}

describe.skipIf(!hasPrometheusParser())("examples/dashboard beside a proxy", () => {
  describeEngines("examples/dashboard", (engine) => {
    let app: RawUpstream;
    let proxy: ProxyUnderTest;

    beforeAll(async () => {
      app = await RawUpstream.start();
      proxy = await engine.start(exampleYaml("sidecar", { 15080: app.port }));
    });
    afterAll(() => app?.close());

    test("every panel asks for what the sidecar tells", { timeout: 30_000 }, async () => {
      for (const path of ["/hello", "/private", "/flaky"]) await exchange(proxy.port(), { path });
      // Histograms reach Envoy's page with the next flush.
      await expect
        .poll(() => proxy.admin("/stats/prometheus"), { timeout: 15_000, interval: 250 })
        .toMatch(/^istio_request_bytes_count\{[^}]*response_code="503"/m);
      const families = parsePrometheus(await proxy.admin("/stats/prometheus"));
      for (const one of expressions) {
        for (const metric of parts(one.expr).metrics) {
          expect.soft(familyOf(families, metric)?.samples.length ?? 0, metric).toBeGreaterThan(0);
        }
        expect.soft(missingLabels(families, one), one.title).toEqual([]);
      }
    });
  });
});
