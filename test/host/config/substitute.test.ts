import { describe, expect, test } from "vitest";
import { parseBootstrap } from "../../../host/config/index";
import { ConfigError } from "../../../host/errors";

const HTTP = "type.googleapis.com/envoy.extensions.filters.http";
const NETWORK = "type.googleapis.com/envoy.extensions.filters.network";

/** A file whose third line is the configuration of one HTTP filter. */
function file(filter: object, network: readonly object[] = []): string {
  const manager = {
    "@type": `${NETWORK}.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "in",
    route_config: {},
    http_filters: [
      { name: "f", typed_config: "@filter@" },
      { name: "router", typed_config: { "@type": `${HTTP}.router.v3.Router` } },
    ],
  };
  const listener = {
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [{ filters: [...network, { name: "m", typed_config: manager }] }],
  };
  return JSON.stringify({ static_resources: { listeners: [listener] } }).replace(
    '"@filter@"',
    `\n\n${JSON.stringify(filter)}`,
  );
}

const load = (filter: object, network?: object[]) =>
  parseBootstrap(file(filter, network), "f.yaml", { substitute: "/modules" });

function substituted(filter: object, network?: object[]) {
  return load(filter, network).substitutions.map(({ filter, configuration }) => ({ filter, configuration }));
}

function refused(filter: object, network?: object[]): string[] {
  try {
    load(filter, network);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.issues.map(({ position, path, message }) => {
        const place = path.replace(/^.*typed_config\.?/, "");
        return `${position.line}: ${place}: ${message}`;
      });
    throw error;
  }
  return [];
}

const fault = (config: object) => ({ "@type": `${HTTP}.fault.v3.HTTPFault`, ...config });

test.each([
  ["fault.v3.HTTPFault", "fault"],
  ["rbac.v3.RBAC", "authz"],
  ["local_ratelimit.v3.LocalRateLimit", "ratelimit"],
])("without it, a file with %s is told which filter does that", (type, filter) => {
  const source = file({ "@type": `${HTTP}.${type}` });
  expect(() => parseBootstrap(source, "f.yaml")).toThrow(
    `filters/${filter} does its work, and --substitute puts it there`,
  );
});

test("the plugin that stands there", () => {
  const { bootstrap } = load(fault({ abort: { http_status: 503 } }));
  const [listener] = bootstrap.listeners;
  if (listener?.kind !== "http") throw new Error("no HTTP listener");
  expect(listener.http.httpFilters[0]).toMatchObject({
    kind: "wasm",
    name: "f",
    plugin: { rootId: "fault", vmId: "fault", code: { kind: "file", path: "/modules/fault.wasm" } },
  });
});

test("shares: none of the millionths is lost", () => {
  for (const [denominator, most] of [
    ["HUNDRED", 100],
    ["TEN_THOUSAND", 10_000],
    ["MILLION", 1_000_000],
  ] as const) {
    for (let numerator = 0; numerator <= most; numerator += Math.max(1, Math.floor(most / 1000))) {
      const [one] = substituted(
        fault({ abort: { http_status: 503, percentage: { numerator, denominator } } }),
      );
      const { http } = one!.configuration as {
        http: { fault: { abort: { percentage: { value: number } } } }[];
      };
      const { value } = http[0]!.fault.abort.percentage;
      expect(Math.trunc(value * 10_000)).toBe(numerator * (1_000_000 / most));
      expect(value).toBeLessThanOrEqual(100);
    }
  }
});

test("a share above all is all", () => {
  const [one] = substituted(fault({ abort: { http_status: 503, percentage: { numerator: 200 } } }));
  expect(JSON.stringify(one)).toContain('"percentage":{"value":100}');
});

test("delays and limits", () => {
  expect(
    substituted(
      fault({
        delay: { fixed_delay: "0.3s", percentage: { numerator: 50 } },
        response_rate_limit: { fixed_limit: { limit_kbps: 10 }, percentage: { numerator: 100 } },
        max_active_faults: 3,
      }),
    ),
  ).toEqual([
    {
      filter: "fault",
      configuration: {
        http: [
          {
            fault: {
              delay: { fixedDelay: "0.3s", percentage: { value: 50.00005 } },
              responseRateLimit: { percentage: { value: 100 }, limitKbps: 10 },
            },
          },
        ],
        maxActiveFaults: 3,
      },
    },
  ]);
});

test("connections, and names in either spelling", () => {
  const rules = { policies: { noGuests: { permissions: [{ any: true }], principals: [{ any: true }] } } };
  const rbac = {
    name: "r",
    typedConfig: { "@type": `${NETWORK}.rbac.v3.RBAC`, statPrefix: "tcp", rules },
  };
  expect(substituted(fault({}), [rbac])).toEqual([
    { filter: "authz", configuration: { rbac: { rules } } },
    { filter: "fault", configuration: { http: [] } },
  ]);
});

describe("what has no counterpart is said where it stands", () => {
  test.each<[string, object, string[]]>([
    [
      "a field",
      fault({ abort: { http_status: 503 }, delay_percent_runtime: "x" }),
      ["3: delay_percent_runtime: filters/fault has nothing for this"],
    ],
    [
      "a value",
      fault({ abort: { http_status: 600 } }),
      ["3: abort.http_status: expected a whole number from 200 to 599, got 600"],
    ],
    [
      "a status of gRPC",
      fault({ abort: { grpc_status: 17 } }),
      ["3: abort.grpc_status: fault knows the codes 0 to 16"],
    ],
    [
      "faults from headers beside others",
      fault({ delay: { header_delay: {} }, abort: { http_status: 503 } }),
      ["1: : fault takes faults from headers only on their own: no fixed ones beside them, no conditions"],
    ],
    [
      "conditions",
      fault({
        abort: { http_status: 503 },
        headers: [
          { name: "a", exact_match: "1" },
          { name: "A", exact_match: "2" },
          { name: "method", present_match: true },
          { name: "b", range_match: { start: 1, end: 2 } },
        ],
      }),
      [
        "3: headers[1]: fault takes one condition for each header",
        "3: headers[2]: fault ignores headers named method",
        "3: headers[3]: fault has no ranges",
      ],
    ],
  ])("%s", (_, filter, wanted) => {
    expect(refused(filter)).toEqual(wanted);
  });

  test("a connection that is looked at more than once", () => {
    const typed_config = { "@type": `${NETWORK}.rbac.v3.RBAC`, enforcement_type: "CONTINUOUS" };
    expect(refused(fault({}), [{ name: "r", typed_config }])).toEqual([
      "1: enforcement_type: authz decides once, on the first byte",
    ]);
  });
});
