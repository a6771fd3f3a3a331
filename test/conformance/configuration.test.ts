import { expect, test } from "vitest";
import { ProxyWasmError } from "../../host/errors";
import {
  bootstrap,
  cluster,
  httpListener,
  type Json,
  socketAddress,
  stringValue,
  wasmFilter,
} from "../support/bootstrap";
import { describeEngines, type EngineUnderTest } from "../support/describe-engines";
import { guest } from "../support/guests";

const ROUTE = { match: { prefix: "/" }, direct_response: { status: 200 } };
const base = (more: Partial<Parameters<typeof httpListener>[0]> = {}, clusters: Json[] = []): Json =>
  bootstrap({ listeners: [httpListener({ name: "l", routes: [ROUTE], ...more })], clusters });

async function plugin(more: Json, vm: Json = {}): Promise<Json> {
  const filter = wasmFilter({ name: "p", wasm: await guest("puppet"), plugin: more, vm });
  return base({ filters: [filter] });
}

const adding = (header: Json): Json => base({ virtualHost: { request_headers_to_add: [header] } });
const tagged = (tag: Json): Json => ({ ...base(), stats_config: { stats_tags: [tag] } });

type Made = Json | Promise<Json>;

/** Both engines must refuse these; each is one thing wrong. */
const REFUSED: [what: string, make: () => Made][] = [
  ["an unknown field at the top", () => ({ ...base(), no_such_field: 1 })],
  ["an unknown field deep inside", () => base({ routes: [{ ...ROUTE, no_such_field: 1 }] })],
  ["a number where a string is wanted", () => ({ ...base(), node: { id: 5 } })],
  ["a port that is too large", () => base({ port: 70_000 })],
  ["a route without a match", () => base({ routes: [{ direct_response: { status: 200 } }] })],
  ["a route without an action", () => base({ routes: [{ match: { prefix: "/" } }] })],
  [
    "a route to a cluster that does not exist",
    () => base({ routes: [{ match: { prefix: "/" }, route: { cluster: "nowhere" } }] }),
  ],
  [
    "a regex that does not compile",
    () => base({ routes: [{ ...ROUTE, match: { safe_regex: { regex: "(" } } }] }),
  ],
  [
    "a regex with a lookahead",
    () => base({ routes: [{ ...ROUTE, match: { safe_regex: { regex: "(?=a)" } } }] }),
  ],
  [
    "a direct response with a status that is none",
    () => base({ routes: [{ match: { prefix: "/" }, direct_response: { status: 99 } }] }),
  ],
  ["a virtual host without domains", () => base({ virtualHost: { domains: [] } })],
  [
    "two virtual hosts with one domain",
    () =>
      base({
        manager: {
          route_config: {
            virtual_hosts: [
              { name: "a", domains: ["x"], routes: [ROUTE] },
              { name: "b", domains: ["x"], routes: [ROUTE] },
            ],
          },
        },
      }),
  ],
  ["a manager without stat_prefix", () => base({ manager: { stat_prefix: "" } })],
  ["a duration that is none", () => base({}, [cluster("c", 1, { connect_timeout: "soon" })])],
  ["a negative connect_timeout", () => base({}, [cluster("c", 1, { connect_timeout: "-1s" })])],
  ["two clusters of one name", () => base({}, [cluster("c", 1), cluster("c", 2)])],
  ["a cluster type that does not exist", () => base({}, [cluster("c", 1, { type: "MAGIC" })])],
  [
    "a filter of an unknown type",
    () => base({ filters: [{ name: "x", typed_config: { "@type": "type.googleapis.com/no.such.Type" } }] }),
  ],
  ["no router at the end of the chain", () => base({ manager: { http_filters: [], server_name: 5 } })],
  [
    "a module file that is not there",
    () => base({ filters: [wasmFilter({ name: "p", wasm: "/nonexistent/module.wasm" })] }),
  ],
  ["inline bytes that are no module", () => plugin({}, { code: { local: { inline_bytes: "AAAA" } } })],
  ["a VM without code", () => plugin({}, { code: {} })],
  [
    "fail_open together with failure_policy",
    () => plugin({ fail_open: true, failure_policy: "FAIL_CLOSED" }),
  ],
  ["a failure policy that does not exist", () => plugin({ failure_policy: "FAIL_SOFTLY" })],
  [
    "an environment variable given twice",
    () => plugin({}, { environment_variables: { key_values: { PATH: "x" }, host_env_keys: ["PATH"] } }),
  ],
  [
    "an admin address that is no address",
    () => ({ ...base(), admin: { address: socketAddress(0, "not an address") } }),
  ],
  ["an added header that is a pseudo-header", () => adding({ header: { key: ":path", value: "x" } })],
  ["an added host header", () => adding({ header: { key: "Host", value: "x" } })],
  ["a removed host header", () => base({ virtualHost: { response_headers_to_remove: ["host"] } })],
  ["an added header with half a command", () => adding({ header: { key: "a", value: "50%" } })],
  ["an added header with an unknown command", () => adding({ header: { key: "a", value: "%FOO%" } })],
  [
    "append and append_action at once",
    () => adding({ header: { key: "a", value: "x" }, append: true, append_action: "ADD_IF_ABSENT" }),
  ],
  [
    "a direct response of more than 4096 bytes",
    () =>
      base({
        routes: [{ ...ROUTE, direct_response: { status: 200, body: { inline_string: "x".repeat(4097) } } }],
      }),
  ],
  [
    "a LOGICAL_DNS cluster without an endpoint",
    () => base({}, [cluster("c", 1, { type: "LOGICAL_DNS", load_assignment: { cluster_name: "c" } })]),
  ],
  [
    "a query parameter name of more than 1024 bytes",
    () =>
      base({
        routes: [{ ...ROUTE, match: { prefix: "/", query_parameters: [{ name: "q".repeat(1025) }] } }],
      }),
  ],
  ["a duration beyond int64", () => base({}, [cluster("c", 1, { connect_timeout: "9223372036s" })])],
  ["a stats tag with neither regex nor default", () => tagged({ tag_name: "envoy.nosuch" })],
  ...["(?i)(a)", "(?P<x>a)", "(\\pL)", "\\A(a)", "([[:word:]])", "(a{,2})", "(\\b+a)"].map(
    (regex): [string, () => Made] => [
      `a stats tag with a regex only RE2 reads: ${regex}`,
      () => tagged({ tag_name: "t", regex }),
    ],
  ),
  [
    "a stats tag with a regex that does not compile",
    () => ({
      ...base(),
      stats_config: { stats_tags: [{ tag_name: "t", regex: "(" }] },
    }),
  ],
];

/** Both engines must accept these. */
const ACCEPTED: [what: string, make: () => Made][] = [
  [
    "camelCase names of fields",
    () => {
      const { static_resources, ...rest } = base();
      return { ...rest, staticResources: static_resources };
    },
  ],
  [
    "numbers and booleans written as strings",
    () => base({ listener: { per_connection_buffer_limit_bytes: "1000" } }),
  ],
  ["enumerations by number", () => base({}, [cluster("c", 1, { type: 0 })])],
  [
    "two virtual hosts of one name",
    () =>
      base({
        manager: {
          route_config: {
            virtual_hosts: [
              { name: "a", domains: ["x"], routes: [ROUTE] },
              { name: "a", domains: ["y"], routes: [ROUTE] },
            ],
          },
        },
      }),
  ],
  ["a percent sign in an added header", () => adding({ header: { key: "a", value: "50%%" } })],
  ["a stats tag as Istio's are", () => tagged({ tag_name: "t", regex: "(t=\\.=(.*?);\\.;)" })],
  ["no listeners and no clusters", () => bootstrap({ listeners: [], clusters: [] })],
  [
    "a plugin with everything that can be said of it",
    () =>
      plugin(
        {
          root_id: "r",
          failure_policy: "FAIL_RELOAD",
          reload_config: { backoff: { base_interval: "1s" } },
          allow_on_headers_stop_iteration: true,
          configuration: stringValue("trace"),
          capability_restriction_config: { allowed_capabilities: {} },
        },
        {
          vm_id: "v",
          configuration: stringValue("x"),
          environment_variables: { host_env_keys: ["PATH"], key_values: { A: "b" } },
        },
      ),
  ],
];

describeEngines("Configuration", (engine) => {
  for (const [what, make] of REFUSED)
    test.concurrent(`refused: ${what}`, async () => {
      expect(await starts(engine, await make())).toBe(false);
    });

  for (const [what, make] of ACCEPTED)
    test.concurrent(`accepted: ${what}`, async () => {
      expect(await starts(engine, await make())).toBe(true);
    });

  test("YAML with anchors, comments and a document start", async () => {
    const yaml = `--- # the whole proxy
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners: []
  clusters:
  - &app
    name: app
    connect_timeout: 1s # a second
    type: STATIC
`;
    const proxy = await engine.start(yaml);
    expect(await proxy.admin("/ready")).toBe("LIVE\n");
  });
});

async function starts(engine: EngineUnderTest, config: Json): Promise<boolean> {
  try {
    await engine.start(config);
    return true;
  } catch (error) {
    if (error instanceof ProxyWasmError) return false;
    throw error;
  }
}
