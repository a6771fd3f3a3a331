import { describe, expect, test } from "vitest";
import type { TestHost } from "../../host/testing/index";
import { refusals, withFilter } from "./support/filter";

/** `metrics` of a Telemetry resource with these overrides. */
const start = (overrides: object[], reporter = "destination"): Promise<TestHost> =>
  withFilter("metrics", { reporter, metrics: [{ providers: [{ name: "prometheus" }], overrides }] });

const names = (host: TestHost) => [...new Set(host.metrics.map(({ name }) => name))].toSorted();
const labels = (host: TestHost, name = "istio_requests_total") =>
  host.metrics.filter((each) => each.name === name).map((each) => each.labels);

const ALL = [
  "istio_build",
  "istio_request_bytes",
  "istio_request_duration_milliseconds",
  "istio_requests_total",
  "istio_response_bytes",
];

describe("metrics: Telemetry overrides", () => {
  test.each<[string, object[], string[]]>([
    ["one metric", [{ match: { metric: "REQUEST_SIZE" }, disabled: true }], ["istio_request_bytes"]],
    ["all", [{ disabled: true }], ALL.slice(1)],
    [
      "all but one",
      [
        { match: { metric: "ALL_METRICS" }, disabled: true },
        { match: { metric: "REQUEST_COUNT" }, disabled: false },
      ],
      ALL.slice(1).filter((name) => name !== "istio_requests_total"),
    ],
    [
      "of this end",
      [{ match: { metric: "REQUEST_SIZE", mode: "SERVER" }, disabled: true }],
      ["istio_request_bytes"],
    ],
    ["of the other end: nothing", [{ match: { mode: "CLIENT" }, disabled: true }], []],
  ])("drop %s", async (_, overrides, dropped) => {
    const host = await start(overrides);
    host.request().respond();
    expect(names(host)).toEqual(ALL.filter((name) => !dropped.includes(name)));
  });

  test("a source is a client", async () => {
    const host = await start([{ match: { mode: "CLIENT" }, disabled: true }], "source");
    host.request().respond();
    expect(names(host)).toEqual(["istio_build"]);
  });

  test("a tag is removed, and what it told apart is counted together", async () => {
    const host = await start([
      {
        match: { metric: "REQUEST_COUNT" },
        tagOverrides: { response_code: { operation: "REMOVE" }, no_tag: { operation: "REMOVE" } },
      },
    ]);
    host.request().respond({ status: 200 });
    host.request().respond({ status: 404 });
    expect(
      host.metrics.filter(({ name }) => name === "istio_requests_total").map(({ value }) => value),
    ).toEqual([2]);
    expect(labels(host)[0]).not.toHaveProperty("response_code");
    expect(labels(host, "istio_request_bytes")[0]).toHaveProperty("response_code");
  });

  test.each<[expression: string, value: string]>([
    ["'plain'", "plain"],
    ['"in two quotes"', "in two quotes"],
    ["request.host", "shop.example"],
    ["request.method", "GET"],
    ["request.headers['x-team']", "blue"],
    ["request.headers['x-none']", "unknown"],
    ["response.code", "201"],
    ["destination.port", "80"],
    ["connection.mtls ? 'yes' : 'no'", "no"],
    ["request.url_path.startsWith('/api/') ? 'api' : 'page'", "api"],
    ["has(request.referer) ? request.referer : 'none'", "none"],
    ["xds.cluster_name", "app"],
    ["xds.cluster_name + request.headers['x-none']", "unknown"],
    ["[1]", "unknown"],
    ["'it\\'s'", "it's"],
  ])("a tag from %s reads %s", async (value, expected) => {
    const host = await start([{ tagOverrides: { request_operation: { value } } }]);
    host
      .request({
        authority: "shop.example",
        path: "/api/a?b",
        headers: { "x-team": "blue" },
        route: { clusterName: "app" },
        connection: { localAddress: "10.0.0.1:80", localPort: 80 },
      })
      .respond({ status: 201 });
    expect(labels(host)[0]).toMatchObject({ request_operation: expected, response_code: "201" });
  });

  test("a standard tag keeps its place and gets another value; the last override wins", async () => {
    const host = await start([
      { tagOverrides: { destination_service: { operation: "UPSERT", value: "'one'" } } },
      { tagOverrides: { destination_service: { value: "request.headers['x-service']" } } },
      { match: { metric: "RESPONSE_SIZE" }, tagOverrides: { destination_service: { value: "'size'" } } },
    ]);
    host.request({ headers: { "x-service": "mine" } }).respond();
    expect(labels(host)[0]).toMatchObject({ destination_service: "mine" });
    expect(Object.keys(labels(host)[0]!)[14]).toBe("destination_service");
    expect(labels(host, "istio_response_bytes")[0]).toMatchObject({ destination_service: "size" });
  });

  test("different values are different series, and count against maxSeries", async () => {
    const host = await withFilter("metrics", {
      reporter: "destination",
      maxSeries: 3,
      metrics: [{ overrides: [{ tagOverrides: { user: { value: "request.headers['x-user']" } } }] }],
    });
    for (let i = 0; i < 10; i++) host.request({ headers: { "x-user": `u${i % 5}` } }).respond();
    expect(labels(host).map(({ user }) => user)).toEqual(["u0", "u1", "u2", "other"]);
    expect(host.metric("istio_requests_total", { user: "other" })).toBe(4);
  });
});

test.each<[unknown, string]>([
  [
    [{ overrides: [{ match: { metric: "X" } }] }],
    "metrics[0].overrides[0].match.metric: unknown metric (known: ALL_METRICS, ",
  ],
  [
    [{ overrides: [{ match: { mode: "X" } }] }],
    "metrics[0].overrides[0].match.mode: expected CLIENT_AND_SERVER, ",
  ],
  [
    [{ overrides: [{ match: { customMetric: "x" } }] }],
    "metrics[0].overrides[0].match.customMetric: unknown or unsupported",
  ],
  [[{ overrides: [{ disabled: "true" }] }], "metrics[0].overrides[0].disabled: expected true or false"],
  [[{ providers: [{}] }], "metrics[0].providers[0].name: expected a string"],
  [[{ reportingInterval: "1ms" }], "metrics[0].reportingInterval: expected a duration from 10ms to 24h"],
  [
    [{ overrides: [{ tagOverrides: { a: { operation: "X" } } }] }],
    "metrics[0].overrides[0].tagOverrides.a.operation: expected UPSERT or REMOVE",
  ],
  [
    [{ overrides: [{ tagOverrides: { a: {} } }] }],
    "metrics[0].overrides[0].tagOverrides.a.value: expected a string",
  ],
  [
    [{ overrides: [{ tagOverrides: { a: { value: "" } } }] }],
    "metrics[0].overrides[0].tagOverrides.a.value: not an expression",
  ],
  [
    [{ overrides: [{ tagOverrides: { a: { value: "request.host ==" } } }] }],
    "metrics[0].overrides[0].tagOverrides.a.value: not an expression",
  ],
  [
    [{ overrides: [{ tagOverrides: { a: { value: "frob(request.host)" } } }] }],
    "metrics[0].overrides[0].tagOverrides.a.value: not an expression",
  ],
  [
    [{ overrides: [{ tagOverrides: { a: { operation: "REMOVE", value: "'a'" } } }] }],
    "tagOverrides.a.value: REMOVE takes no value",
  ],
  [
    [{ overrides: [{ tagOverrides: { "a-b": { value: "'a'" } } }] }],
    "tagOverrides.a-b: expected a name of letters, digits and _",
  ],
  [
    [{ overrides: [{ tagOverrides: { version: { value: "'a'" } } }] }],
    "tagOverrides.version: one of version and source_version ends like the other",
  ],
  [
    [{ overrides: [{ tagOverrides: { my_reporter: { value: "'a'" } } }] }],
    "tagOverrides.my_reporter: one of my_reporter and reporter ends",
  ],
])("metrics refuses %j", async (list, why) => {
  const refusal = await refusals("metrics");
  expect(await refusal({ reporter: "source", metrics: list })).toContain(why);
});
