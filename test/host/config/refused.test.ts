import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type LoadOptions, loadBootstrap, parseBootstrap } from "../../../host/config/index";
import { ConfigError, formatIssue, UsageError } from "../../../host/errors";

const HELLO = readFileSync(new URL("../../../examples/hello/envoy.yaml", import.meta.url), "utf8");

const MANAGER = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config";
const ROUTES = `${MANAGER}.route_config.virtual_hosts[0]`;
const PLUGIN = `${MANAGER}.http_filters[0].typed_config.config`;
const CLUSTER = "static_resources.clusters[0]";
const SOCKET = `${CLUSTER}.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address`;
const ROUTER_TYPE = '"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const HTTP_FILTERS =
  "envoy.extensions.filters.http.wasm.v3.Wasm, .cors.v3.Cors, .health_check.v3.HealthCheck and .router.v3.Router";

/** The hello example with one text exchanged; a text that is not there would test nothing. */
function edit(...edits: [from: string, to: string][]): string {
  return edits.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, () => to);
  }, HELLO);
}

/** What a refused file says, a line an issue. */
function refusal(text: string, options?: LoadOptions): string[] {
  try {
    parseBootstrap(text, "f.yaml", options);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

/** Name, text of the example, what stands there instead, and the whole message after `f.yaml:`. */
const REFUSED: [what: string, from: string, to: string, message: string][] = [
  [
    "unknown field",
    "type: STATIC",
    "type: STATIC\n      eds_cluster_config: {}",
    `40:7: ${CLUSTER}.eds_cluster_config: not supported by the node engine`,
  ],
  [
    "string: a list",
    "stat_prefix: http",
    "stat_prefix: [1]",
    `15:30: ${MANAGER}.stat_prefix: expected a string, got a list`,
  ],
  [
    "string: a number",
    "stat_prefix: http",
    "stat_prefix: 5",
    `15:30: ${MANAGER}.stat_prefix: expected a string, got 5`,
  ],
  [
    "string: nothing",
    "stat_prefix: http",
    "stat_prefix:",
    `15:29: ${MANAGER}.stat_prefix: expected a string, got null`,
  ],
  [
    "list: a string",
    'domains: ["*"]',
    "domains: app",
    `19:32: ${ROUTES}.domains: expected a list, got "app"`,
  ],
  [
    "weights that add up to nothing",
    "route: { cluster: app }",
    "route: { weighted_clusters: { clusters: [{ name: app, weight: 0 }] } }",
    `22:67: ${ROUTES}.routes[0].route.weighted_clusters.clusters: the weights add up to nothing`,
  ],
  [
    "a substitution that names a group the pattern has not",
    "route: { cluster: app }",
    'route: { cluster: app, regex_rewrite: { pattern: { regex: "/(a)" }, substitution: "\\\\2" } }',
    `22:109: ${ROUTES}.routes[0].route.regex_rewrite.substitution: \\2: groups go up to \\1`,
  ],
  [
    "a cluster of a mirror that is not there",
    "route: { cluster: app }",
    "route: { cluster: app, request_mirror_policies: [{ cluster: gone }] }",
    `22:87: ${ROUTES}.routes[0].route.request_mirror_policies[0].cluster: unknown cluster "gone"`,
  ],
  [
    "map: a list",
    "route: { cluster: app }",
    "route: [x]",
    `22:34: ${ROUTES}.routes[0].route: expected a map, got a list`,
  ],
  [
    "map: a number",
    "type: STATIC",
    "type: STATIC\n      metadata: { filter_metadata: { a: 1 } }",
    `40:41: ${CLUSTER}.metadata.filter_metadata.a: expected a map, got 1`,
  ],
  ["missing string", "stat_prefix: http", "server_name: http", `14:17: ${MANAGER}.stat_prefix: is required`],
  ["missing message", "- match: { prefix: / }", "- name: r", `21:27: ${ROUTES}.routes[0].match: is required`],
  ["missing list", 'domains: ["*"]', "metadata: {}", `18:23: ${ROUTES}.domains: is required`],
  ["missing number", ", port_value: 8080", "", `47:37: ${SOCKET}.port_value: is required`],
  [
    "unknown @type",
    "http.router.v3.Router",
    "http.csrf.v3.CsrfPolicy",
    `36:32: ${MANAGER}.http_filters[1].typed_config.@type: unknown @type "type.googleapis.com/envoy.extensions.filters.http.csrf.v3.CsrfPolicy": not supported by the node engine; supported: ${HTTP_FILTERS}`,
  ],
  [
    "missing @type",
    ROUTER_TYPE,
    "suppress_envoy_headers: true",
    `36:23: ${MANAGER}.http_filters[1].typed_config.@type: "@type" is missing; supported: ${HTTP_FILTERS}`,
  ],
  [
    "unknown cluster",
    "route: { cluster: app }",
    "route: { cluster: nowhere }",
    `22:45: ${ROUTES}.routes[0].route.cluster: unknown cluster "nowhere"`,
  ],
  [
    "duration",
    "connect_timeout: 1s",
    "connect_timeout: 1m",
    `40:24: ${CLUSTER}.connect_timeout: expected a duration in seconds such as "0.3s", got "1m"`,
  ],
  [
    "duration of nothing",
    "connect_timeout: 1s",
    "connect_timeout: 0s",
    `40:24: ${CLUSTER}.connect_timeout: must be greater than 0s`,
  ],
  [
    "port",
    "port_value: 8080",
    "port_value: 65536",
    `47:71: ${SOCKET}.port_value: expected a whole number from 0 to 65535, got 65536`,
  ],
  [
    "enum",
    "type: STATIC",
    "type: MAGIC",
    `39:13: ${CLUSTER}.type: expected one of STATIC, STRICT_DNS, LOGICAL_DNS, ORIGINAL_DST, got "MAGIC"`,
  ],
  [
    "enum of Envoy's alone",
    "type: STATIC",
    "type: EDS",
    `39:13: ${CLUSTER}.type: EDS is not supported by the node engine; supported: STATIC, STRICT_DNS, LOGICAL_DNS, ORIGINAL_DST`,
  ],
  [
    "oneof",
    "match: { prefix: / }",
    "match: { prefix: /, path: / }",
    `21:53: ${ROUTES}.routes[0].match.path: prefix and path cannot both be set`,
  ],
  [
    "configuration",
    "root_id: hello",
    "root_id: hello\n                        configuration: hello",
    `30:40: ${PLUGIN}.configuration: expected a map, got "hello"`,
  ],
  [
    "key given twice",
    "type: STATIC",
    "type: STATIC\n      type: STATIC",
    "40:7: this key is given twice in one map",
  ],
  [
    "both spellings",
    "port_value: 8080",
    "port_value: 8080, portValue: 81",
    `47:77: ${SOCKET}.portValue: this field is given twice, in both spellings`,
  ],
];

describe("Refused files", () => {
  test.each(REFUSED)("%s", (_, from, to, message) => {
    expect(refusal(edit([from, to]))).toEqual([`f.yaml:${message}`]);
  });

  test.each(["", "# nothing\n", "~"])("empty file %j", (text) => {
    expect(refusal(text)).toEqual(["f.yaml:1:1: the file is empty"]);
  });

  test("duplicate cluster", () => {
    expect(refusal(`${HELLO}    - { name: app, connect_timeout: 1s }\n`)).toEqual([
      'f.yaml:48:15: static_resources.clusters[1].name: another cluster is called "app" too',
    ]);
  });

  test("router not last", () => {
    const router = `- { name: r, typed_config: { ${ROUTER_TYPE} } }\n                  - name: envoy.filters.http.wasm`;
    const first = edit(["- name: envoy.filters.http.wasm", router]);
    expect(refusal(first)).toEqual([
      `f.yaml:24:21: ${MANAGER}.http_filters[0]: the router must be the last filter`,
    ]);
  });

  test.each([
    ["wasm last", ["wasm.v3.Wasm"], 0, "the last filter must be tcp_proxy or http_connection_manager"],
    [
      "after the proxy",
      ["tcp_proxy.v3.TcpProxy", "tcp_proxy.v3.TcpProxy"],
      0,
      "tcp_proxy must be the last filter",
    ],
    ["no filter", [], undefined, "needs at least one filter"],
  ])("network filters: %s", (_, types, at, message) => {
    const fields: Readonly<Record<string, object>> = {
      "wasm.v3.Wasm": {
        config: { vm_config: { runtime: "envoy.wasm.runtime.v8", code: { local: { inline_string: "x" } } } },
      },
      "tcp_proxy.v3.TcpProxy": { stat_prefix: "tcp", cluster: "app" },
      "http_connection_manager.v3.HttpConnectionManager": { stat_prefix: "http", route_config: {} },
    };
    const filters = types.map((type) => ({
      name: type,
      typed_config: {
        "@type": `type.googleapis.com/envoy.extensions.filters.network.${type}`,
        ...fields[type],
      },
    }));
    const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
    const text = JSON.stringify({
      static_resources: { listeners: [{ address, filter_chains: [{ filters }] }] },
    });
    const place = at === undefined ? "" : `[${at}]`;
    expect(refusal(text).map((line) => line.replace(/^f.yaml:\d+:\d+: /, ""))).toContain(
      `static_resources.listeners[0].filter_chains[0].filters${place}: ${message}`,
    );
  });

  test("several at once, in file order", () => {
    const text = edit(
      ["stat_prefix: http", "bogus: 1"],
      ["prefix: /", "prefix: 7"],
      ["type: STATIC", "type: MAGIC"],
      ["port_value: 8080", "port_value: many"],
    );
    expect(refusal(text)).toEqual([
      `f.yaml:14:17: ${MANAGER}.stat_prefix: is required`,
      `f.yaml:15:17: ${MANAGER}.bogus: not supported by the node engine`,
      `f.yaml:21:44: ${ROUTES}.routes[0].match.prefix: expected a string, got 7`,
      `f.yaml:39:13: ${CLUSTER}.type: expected one of STATIC, STRICT_DNS, LOGICAL_DNS, ORIGINAL_DST, got "MAGIC"`,
      `f.yaml:47:71: ${SOCKET}.port_value: expected a whole number from 0 to 65535, got "many"`,
    ]);
  });

  test("module that is not there", () => {
    const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-refused-"));
    try {
      const file = join(dir, "envoy.yaml");
      writeFileSync(file, edit(["build/examples/hello.wasm", "no/such.wasm"]));
      expect(() => loadBootstrap(file)).toThrow(
        new ConfigError([
          {
            position: { file, line: 33, column: 48 },
            path: `${PLUGIN}.vm_config.code.local.filename`,
            message: 'cannot read the module "no/such.wasm" (paths count from the working directory)',
          },
        ]),
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

test("camelCase spelling is accepted", () => {
  const text = edit(["static_resources", "staticResources"], ["port_value: 8080", "portValue: 8080"]);
  expect(parseBootstrap(text, "f.yaml").bootstrap.clusters).toEqual(
    parseBootstrap(HELLO, "f.yaml").bootstrap.clusters,
  );
});

describe("the file's text", () => {
  test.each([
    ["Latin-1", edit(["stat_prefix: http", "stat_prefix: h\xe9"]), "latin1", "15:31"],
    ["an overlong form", edit(["stat_prefix: http", 'stat_prefix: "\xc0\x80"']), "latin1", "15:31"],
    ["UTF-16", `\ufeff${HELLO}`, "utf16le", "1:1"],
  ] as const)("%s is refused where it begins", (_, text, encoding, where) => {
    const dir = mkdtempSync(join(tmpdir(), "encoding-"));
    const file = join(dir, "envoy.yaml");
    writeFileSync(file, Buffer.from(text, encoding));
    expect(() => loadBootstrap(file)).toThrow(`${file}:${where}: this is not UTF-8 text`);
    rmSync(dir, { recursive: true });
  });

  test("half of a surrogate pair, as Envoy refuses it", () => {
    const text = edit(["stat_prefix: http", 'stat_prefix: "\\ud83d"']);
    expect(refusal(text)).toEqual(["f.yaml:15:30: half of a surrogate pair is no text"]);
  });

  test("nesting that is too deep for the parser is told in plain words", () => {
    const text = `a: ${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    expect(refusal(text).join()).toMatch(/^f\.yaml:1:\d+: nested more than 100 levels deep$/);
  });
});

describe("--lenient", () => {
  test("unsupported fields become warnings and are left out", () => {
    const text = edit(["type: STATIC", "type: STATIC\n      eds_cluster_config: {}"]);
    const { bootstrap, warnings } = parseBootstrap(text, "f.yaml", { lenient: true });
    expect(warnings.map(formatIssue)).toEqual([
      `f.yaml:40:7: ${CLUSTER}.eds_cluster_config: not supported by the node engine`,
    ]);
    expect(bootstrap.clusters).toEqual(parseBootstrap(HELLO, "f.yaml").bootstrap.clusters);
  });

  test("other errors stay errors", () => {
    const text = edit(["type: STATIC", "type: MAGIC\n      eds_cluster_config: {}"]);
    expect(refusal(text, { lenient: true })).toHaveLength(2);
  });
});

describe("--set", () => {
  const PORT = "static_resources.listeners[0].address.socket_address.port_value";

  test("unknown path", () => {
    const set = ["static_resources.listeners[1].name=x"];
    expect(() => parseBootstrap(HELLO, "f.yaml", { set })).toThrow(
      new UsageError(
        "--set static_resources.listeners[1].name: the file has no such field; the file has static_resources.listeners",
      ),
    );
  });

  test("a port in YAML", () => {
    const { bootstrap } = parseBootstrap(HELLO, "f.yaml", { set: [`${PORT}=4321`] });
    expect(bootstrap.listeners[0]!.address.port).toBe(4321);
  });

  test("a port in JSON", () => {
    const json = JSON.stringify(parse(HELLO), null, 2);
    const { bootstrap } = parseBootstrap(json, "f.json", { set: [`${PORT}=4321`] });
    expect(bootstrap.listeners[0]!.address.port).toBe(4321);
  });
});
