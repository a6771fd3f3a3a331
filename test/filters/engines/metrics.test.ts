import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { RawClient, type RawRequest } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { moduleFile } from "../support/module-file";

/** The demo's tags: what users copy is what is tested. */
const demo = parse(readFileSync(new URL("../../../examples/sidecar/envoy.yaml", import.meta.url), "utf8"));
const METADATA = {
  WORKLOAD_NAME: "web-v1",
  NAMESPACE: "shop",
  CLUSTER_ID: "east",
  LABELS: {
    app: "web",
    version: "v1",
    "service.istio.io/canonical-name": "web",
    "service.istio.io/canonical-revision": "r1",
  },
};
/** Envoy's own bucket bounds. */
const BOUNDS =
  "0.5 1 5 10 25 50 100 250 500 1000 2500 5000 10000 30000 60000 300000 600000 1800000 3600000 +Inf".split(
    " ",
  );

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Samples of the text format whose name starts with `istio_`. */
function samples(text: string): Sample[] {
  return [...text.matchAll(/^(istio_\w+)\{(.*)\} (\S+)$/gm)].map(([, name, labels, value]) => ({
    name: name!,
    labels: Object.fromEntries(
      [...labels!.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]),
    ),
    value: Number(value),
  }));
}

let modules: Record<"fault" | "authz" | "metrics", string>;
beforeAll(async () => {
  const [fault, authz, metrics] = await Promise.all(
    ["fault", "authz", "metrics"].map((name) => moduleFile(`filters/${name}`)),
  );
  modules = { fault: fault!, authz: authz!, metrics: metrics! };
});

describeEngines("metrics", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  function listener(reporter: string, maxSeries?: number): build.Json {
    const filter = (name: keyof typeof modules, configuration: object) =>
      build.wasmFilter({
        name,
        wasm: modules[name],
        rootId: name,
        vmId: name,
        configuration: JSON.stringify(configuration),
      });
    const percentage = { value: 100 };
    return build.httpListener({
      name: maxSeries ? "capped" : reporter,
      filters: [
        filter("fault", {
          http: [
            { match: [{ uri: { exact: "/abort" } }], fault: { abort: { percentage, httpStatus: 503 } } },
            { match: [{ uri: { exact: "/slow" } }], fault: { delay: { percentage, fixedDelay: "30ms" } } },
            { match: [{ uri: { exact: "/gone" } }], fault: { delay: { percentage, fixedDelay: "1h" } } },
          ],
        }),
        filter("authz", {
          policies: [
            {
              metadata: { name: "p", namespace: "shop" },
              spec: { action: "DENY", rules: [{ to: [{ operation: { paths: ["/denied"] } }] }] },
            },
          ],
        }),
        filter("metrics", { reporter, ...(maxSeries && { maxSeries }) }),
      ],
      routes: [
        { match: { prefix: "/dead" }, route: { cluster: "dead" } },
        { match: { prefix: "/shop" }, route: { cluster: "shop" } },
        { match: { prefix: "/hole" }, name: "block_all", direct_response: { status: 502 } },
        { match: { prefix: "/app" }, route: { cluster: "app" } },
        { match: { path: "/slow" }, route: { cluster: "app" } },
        { match: { path: "/gone" }, route: { cluster: "app" } },
      ],
    });
  }

  async function ask(name: string, request: RawRequest): Promise<void> {
    const client = await RawClient.connect(proxy.port(name));
    await client.exchange({ host: "shop.example:80", ...request });
    client.close();
  }

  /** Waits until all that was counted shows in the histograms too, which takes a flush. */
  async function whenCounted(matches: (sample: Sample) => boolean): Promise<Sample[]> {
    let found: Sample[] = [];
    const sum = (name: string) =>
      found.filter((sample) => sample.name === name).reduce((total, { value }) => total + value, 0);
    await expect
      .poll(
        async () => {
          found = samples(await proxy.admin("/stats/prometheus")).filter(matches);
          const requests = sum("istio_requests_total");
          return requests > 0 && sum("istio_response_bytes_count") === requests;
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    return found;
  }

  beforeAll(async () => {
    upstream = await RawUpstream.start(async (request, reply) => {
      await request.message;
      if (request.path === "/app/404") reply.send({ status: 404 });
      else if (request.path === "/app/grpc")
        reply.send({
          headers: [
            ["content-type", "application/grpc"],
            ["grpc-status", "5"],
          ],
        });
      else reply.send({ body: "ok" });
    });
    const service = { host: "cart.shop.svc", name: "cart", namespace: "shops" };
    proxy = await engine.start(
      build.bootstrap({
        listeners: [listener("destination"), listener("source"), listener("destination", 2)],
        clusters: [
          build.cluster("app", upstream.port),
          build.cluster("dead", 1),
          build.cluster("shop", upstream.port, {
            metadata: { filter_metadata: { istio: { services: [service] } } },
          }),
        ],
        more: {
          node: { id: "n", cluster: "c", metadata: METADATA },
          stats_config: demo.stats_config,
          stats_flush_interval: "0.2s",
        },
      }),
    );
  });
  afterAll(() => upstream.close());

  test("a destination: one series a kind of exchange, local replies included", async () => {
    for (let i = 0; i < 3; i++) await ask("destination", { path: "/app" });
    await ask("destination", { path: "/app/404", method: "POST", body: "x" });
    await ask("destination", {
      path: "/app/grpc",
      method: "POST",
      headers: [["content-type", "application/grpc"]],
    });
    await ask("destination", {
      path: "/abort",
      method: "POST",
      headers: [["content-type", "application/grpc"]],
    });
    await ask("destination", { path: "/abort" });
    await ask("destination", { path: "/denied" });
    await ask("destination", { path: "/dead" });
    await ask("destination", { path: "/no-route" });
    await ask("destination", { path: "/shop" });
    await ask("destination", { path: "/slow", host: 'odd"\\host' });
    const client = await RawClient.connect(proxy.port("destination"));
    client.send({ path: "/gone", host: "gone.example" });
    const active = () => proxy.stat("http.destination.downstream_rq_active");
    await expect.poll(active, { timeout: 5000 }).toBe(1);
    client.reset();
    await expect.poll(active, { timeout: 5000 }).toBe(0);

    const mine = ({ labels }: Sample) => labels.reporter === "destination";
    const found = await whenCounted(mine);
    const LOCAL = {
      reporter: "destination",
      source_workload: "unknown",
      source_canonical_service: "unknown",
      source_canonical_revision: "latest",
      source_workload_namespace: "unknown",
      source_principal: "unknown",
      source_app: "unknown",
      source_version: "unknown",
      source_cluster: "unknown",
      destination_workload: "web-v1",
      destination_workload_namespace: "shop",
      destination_principal: "unknown",
      destination_app: "web",
      destination_version: "v1",
      destination_canonical_service: "web",
      destination_canonical_revision: "r1",
      destination_service_namespace: "shop",
      destination_cluster: "east",
      connection_security_policy: "none",
    };
    const series = (
      code: string,
      flags: string,
      protocol = "http",
      grpc = "",
      service = "shop.example:80",
      name = service,
    ) => ({
      ...LOCAL,
      destination_service: service,
      destination_service_name: name,
      request_protocol: protocol,
      response_code: code,
      response_flags: flags,
      grpc_response_status: grpc,
    });
    const expected: [labels: Record<string, string>, count: number][] = [
      [series("200", "-"), 3],
      [series("404", "-"), 1],
      [series("200", "-", "grpc", "5"), 1],
      [series("200", "-", "grpc", "14"), 1],
      [series("503", "-"), 1],
      [series("403", "-"), 1],
      [series("503", "UF"), 1],
      [series("404", "NR"), 1],
      [series("200", "-", "http", "", "cart.shop.svc", "cart"), 1],
      // Refused before it had headers.
      [series("400", "DPE", "http", "", "web"), 1],
      [series("0", "DC", "http", "", "gone.example"), 1],
    ];
    const of = (name: string) => found.filter((sample) => sample.name === name);
    const key = (labels: Record<string, string>) => JSON.stringify(Object.entries(labels).toSorted());
    const counts = (list: Sample[]) => list.map(({ labels, value }) => `${key(labels)} ${value}`).toSorted();
    const wanted = expected.map(([labels, count]) => `${key(labels)} ${count}`).toSorted();
    expect(counts(of("istio_requests_total"))).toEqual(wanted);
    for (const name of ["request_duration_milliseconds", "request_bytes", "response_bytes"]) {
      expect(counts(of(`istio_${name}_count`))).toEqual(wanted);
      const buckets = of(`istio_${name}_bucket`);
      const first = key(expected[0]![0]);
      const ofFirst = buckets.filter(({ labels: { le, ...labels } }) => key(labels) === first);
      expect(ofFirst.map(({ labels }) => labels.le)).toEqual(BOUNDS);
      expect(ofFirst.at(-1)!.value).toBe(3);
      expect(of(`istio_${name}_sum`)).toHaveLength(expected.length);
    }
  });

  test("a delay is part of the duration; bytes are those of headers and body", async () => {
    const mine = ({ labels }: Sample) => labels.destination_service === "long.example";
    const body = "x".repeat(20_000);
    await ask("destination", { path: "/slow", host: "long.example", method: "POST", body });
    const found = await whenCounted(mine);
    const sum = (name: string) => found.find((sample) => sample.name === name)!.value;
    // Envoy's sums are made of its buckets' middles: within 5 %.
    expect(sum("istio_request_duration_milliseconds_sum")).toBeGreaterThanOrEqual(29);
    expect(sum("istio_request_bytes_sum")).toBeGreaterThan(19_000);
    expect(sum("istio_request_bytes_sum")).toBeLessThan(22_000);
    expect(sum("istio_response_bytes_sum")).toBeLessThan(1000);
  });

  test("a source reports itself and takes the service from its cluster", async () => {
    await ask("source", { path: "/shop" });
    await ask("source", { path: "/app" });
    await ask("source", { path: "/hole" });
    const found = await whenCounted(({ labels }) => labels.reporter === "source");
    const requests = found.filter(({ name }) => name === "istio_requests_total");
    expect(
      requests
        .map(({ labels }) => [
          labels.destination_service,
          labels.destination_service_name,
          labels.destination_service_namespace,
          labels.response_code,
        ])
        .toSorted(),
    ).toEqual([
      ["cart.shop.svc", "cart", "shops", "200"],
      ["shop.example:80", "BlackHoleCluster", "unknown", "502"],
      ["shop.example:80", "shop.example:80", "unknown", "200"],
    ]);
    for (const { labels } of requests) {
      expect(labels).toMatchObject({
        source_workload: "web-v1",
        source_canonical_revision: "r1",
        destination_workload: "unknown",
        destination_canonical_revision: "latest",
        connection_security_policy: "unknown",
      });
    }
  });

  test("past maxSeries what is new counts as other", async () => {
    for (let i = 0; i < 6; i++) await ask("capped", { path: "/app", host: `host-${i}.capped` });
    const found = await whenCounted(({ labels }) => labels.destination_service === "other");
    const requests = found.find(({ name }) => name === "istio_requests_total")!;
    expect(requests.value).toBe(4);
    expect(requests.labels).toMatchObject({
      reporter: "destination",
      destination_workload: "web-v1",
      response_code: "other",
    });
    await proxy.log.waitFor(
      (lines) => lines.find(({ message }) => message.includes("more than 2 sets of labels")),
      "the warning",
    );
  });

  test("a host that looks like tags stays one label", async () => {
    await ask("destination", { path: "/app", host: "x;.;response_code=.=999;.;y" });
    const found = await whenCounted(({ labels }) => labels.destination_service?.startsWith("x;") ?? false);
    expect(found[0]!.labels).toMatchObject({
      destination_service: "x;_;response_code=_=999;_;y",
      response_code: "200",
    });
  });
});
