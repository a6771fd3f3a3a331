import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogLinearHistogram } from "../../../host/proxy/stats/log-linear-histogram";
import { exactNumber } from "../../../host/proxy/stats/number-text";
import { renderPrometheus } from "../../../host/proxy/stats/prometheus";
import { renderJson, renderText, type StatsSelection } from "../../../host/proxy/stats/render";
import { StatsStore } from "../../../host/proxy/stats/store";
import { TagExtraction } from "../../../host/proxy/stats/tags";

const ALL: StatsSelection = { usedOnly: false, matches: () => true, type: "All" };

function filled(...values: number[]): LogLinearHistogram {
  const histogram = new LogLinearHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe("histograms", () => {
  test("quantiles as Envoy prints them", () => {
    expect(filled(1).quantiles([0, 0.5, 1])).toEqual([1.05, 1.05, 1.05]);
    const ones = filled(...Array<number>(52).fill(1)).quantiles([0, 0.25, 0.99, 1]);
    expect(ones).toEqual([1.0018867924528303, 1.0245283018867926, 1.0981132075471698, 1.0981132075471698]);
    const mixed = filled(1, 1, 1, 3).quantiles([0, 0.25, 0.5, 0.75, 0.9]);
    expect(mixed).toEqual([1.025, 1.025, 1.05, 1.075, 3.05]);
    const sixHundred = filled(...Array<number>(8).fill(604)).quantiles([0, 0.25, 0.9]);
    expect(sixHundred).toEqual([601.1111111111111, 602.2222222222222, 608.8888888888889]);
    expect(filled(0).quantiles([0.5])).toEqual([0]);
    expect(filled().quantiles([0.5])).toEqual([Number.NaN]);
  });

  test("sums and buckets as Envoy prints them", () => {
    expect(exactNumber(filled(1).sum())).toBe("1.0476190476190476719153821250075");
    expect(exactNumber(filled(1, 11).sum())).toBe("12.5258799171842643005447825999");
    expect(filled(0, 1, 11).countBelow(0.5)).toBe(1);
    expect(filled(0, 1, 11).countBelow(1)).toBe(2);
    expect(filled(0, 1, 11).countBelow(10)).toBe(2);
    expect(filled(0, 1, 11).countBelow(25)).toBe(3);
  });

  test("every value lies in its bin, and none is lost", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (value) => {
        const [bin] = [...filled(value).entries()];
        expect(bin!.lower).toBeLessThanOrEqual(value);
        if (value > 0) expect(bin!.lower + bin!.width).toBeGreaterThan(value);
        expect(bin!.count).toBe(1);
      }),
    );
  });

  test("values show after a flush, the interval only until the next", () => {
    const store = new StatsStore();
    const histogram = store.histogram("h");
    histogram.record(1);
    expect(renderText(store, ALL)).toBe("h: No recorded values\n");
    store.flush();
    expect(renderText(store, ALL)).toContain("h: P0(1.05,1.05) P25(1.05,1.05)");
    store.flush();
    expect(renderText(store, ALL)).toContain("h: P0(nan,1.05)");
  });
});

test.each([
  [0.1, "0.10000000000000000555111512312578"],
  [3, "3"],
  [0.5, "0.5"],
  [11850.647139881876, "11850.64713988187577342614531517"],
])("%d in exact digits", (value, text) => {
  expect(exactNumber(value)).toBe(text);
});

describe("gauges", () => {
  test("wrap below zero as u64", () => {
    const gauge = new StatsStore().gauge("g");
    gauge.add(-1);
    expect(gauge.value).toBe(2n ** 64n - 1n);
    gauge.add(2);
    expect(gauge.value).toBe(1n);
  });
});

describe("tags", () => {
  const defaults = new TagExtraction([], true);

  test.each([
    ["cluster.app.upstream_rq_total", "cluster.upstream_rq_total", [["envoy.cluster_name", "app"]]],
    [
      "cluster.app.external.upstream_rq_200",
      "cluster.external.upstream_rq",
      [
        ["envoy.response_code", "200"],
        ["envoy.cluster_name", "app"],
      ],
    ],
    [
      "cluster.app.upstream_rq_2xx",
      "cluster.upstream_rq_xx",
      [
        ["envoy.response_code_class", "2"],
        ["envoy.cluster_name", "app"],
      ],
    ],
    ["http.in.downstream_cx_total", "http.downstream_cx_total", [["envoy.http_conn_manager_prefix", "in"]]],
    [
      "listener.127.0.0.1_80.http.in.downstream_rq_2xx",
      "listener.http.downstream_rq_xx",
      [
        ["envoy.response_code_class", "2"],
        ["envoy.http_conn_manager_prefix", "in"],
        ["envoy.listener_address", "127.0.0.1_80"],
      ],
    ],
    [
      "listener.[__1]_80.worker_0.downstream_cx_total",
      "listener.worker.downstream_cx_total",
      [
        ["envoy.worker_id", "0"],
        ["envoy.listener_address", "[__1]_80"],
      ],
    ],
    ["listener.admin.downstream_cx_total", "listener.admin.downstream_cx_total", []],
    ["server.live", "server.live", []],
  ])("%s", (raw, name, tags) => {
    expect(defaults.extract(raw)).toEqual({ name, tags });
  });

  test("patterns of the configuration take their part out too", () => {
    const custom = new TagExtraction(
      ["reporter", "source_workload"].map((tagName) => ({
        tagName,
        regex: `(${tagName}=\\.=(.*?);\\.;)`,
        fixedValue: undefined,
      })),
      true,
    );
    expect(
      custom.extract("wasmcustom.reporter=.=source;.;source_workload=.=a;.;istio_requests_total"),
    ).toEqual({
      name: "wasmcustom.istio_requests_total",
      tags: [
        ["reporter", "source"],
        ["source_workload", "a"],
      ],
    });
  });

  test("fixed values, and no defaults when not wanted", () => {
    const fixed = new TagExtraction([{ tagName: "dc", regex: undefined, fixedValue: "x" }], false);
    expect(fixed.extract("cluster.app.a")).toEqual({ name: "cluster.app.a", tags: [["dc", "x"]] });
    const named = new TagExtraction(
      [{ tagName: "envoy.cluster_name", regex: undefined, fixedValue: undefined }],
      false,
    );
    expect(named.extract("cluster.app.a").tags).toEqual([["envoy.cluster_name", "app"]]);
  });
});

describe("pages", () => {
  const tags = new TagExtraction(
    [{ tagName: "r", regex: "(r=\\.=(.*?);\\.;)", fixedValue: undefined }],
    true,
  );

  test("Prometheus: own names, labels, escapes, nothing that begins with a digit", () => {
    const store = new StatsStore();
    store.counter("cluster.b.upstream_rq_total").add(2);
    store.counter("cluster.a.upstream_rq_total").add(1);
    store.counter("server.dropped").add(3);
    store.counter('wasmcustom.r=.=a"b\\;.;istio_requests_total').add(4);
    store.counter("wasmcustom.1st").add(1);
    store.gauge("wasmcustom.some-gauge").set(2n ** 64n - 1n);
    expect(renderPrometheus(store, tags, ALL)).toBe(
      [
        "# TYPE envoy_cluster_upstream_rq_total counter",
        'envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 1',
        'envoy_cluster_upstream_rq_total{envoy_cluster_name="b"} 2',
        "# TYPE envoy_server_dropped counter",
        "envoy_server_dropped{} 3",
        "# TYPE istio_requests_total counter",
        'istio_requests_total{r="a\\"b\\\\"} 4',
        "# TYPE some_gauge gauge",
        "some_gauge{} 18446744073709551615",
        "",
      ].join("\n"),
    );
  });

  test("Prometheus histograms", () => {
    const store = new StatsStore();
    store.histogram("wasmcustom.h").record(1);
    store.flush();
    const text = renderPrometheus(store, tags, ALL);
    expect(text).toContain('h_bucket{le="0.5"} 0\nh_bucket{le="1"} 1\n');
    expect(text).toContain('h_bucket{le="3600000"} 1\nh_bucket{le="+Inf"} 1\n');
    expect(text).toContain("h_sum{} 1.0476190476190476719153821250075\nh_count{} 1\n");
  });

  test("JSON keeps every digit", () => {
    const store = new StatsStore();
    store.gauge("g").add(-1);
    expect(renderJson(store, ALL)).toBe('{"stats":[{"name":"g","value":18446744073709551615}]}');
  });

  test("only used ones", () => {
    const store = new StatsStore();
    store.counter("a");
    store.counter("b").add(0);
    expect(renderText(store, { ...ALL, usedOnly: true })).toBe("b: 0\n");
  });
});
