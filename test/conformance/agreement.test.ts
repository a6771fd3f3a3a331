import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { parseBootstrap } from "../../host/config/index";
import { ConfigError } from "../../host/errors";
import {
  bootstrap,
  CLUSTER_TRAILERS,
  cluster,
  httpListener,
  type Json,
  stringValue,
  wasmFilter,
} from "../support/bootstrap";
import { guest } from "../support/guests";

const META = { filter_metadata: { space: { text: "a", number: 1, list: [true, null] } } };

/** A file with every field the Node engine supports. */
function everything(wasm: string): Json {
  const filter = wasmFilter({
    name: "plugin",
    rootId: "root",
    vmId: "vm",
    wasm,
    configuration: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { a: 1 } },
    plugin: {
      failure_policy: "FAIL_RELOAD",
      reload_config: { backoff: { base_interval: "1s" } },
      allow_on_headers_stop_iteration: true,
      capability_restriction_config: { allowed_capabilities: { proxy_log: {} } },
    },
    vm: {
      configuration: stringValue("x"),
      environment_variables: { host_env_keys: ["PATH"], key_values: { A: "b" } },
    },
  });
  const headers = [
    { name: "h", string_match: { exact: "x", ignore_case: true }, invert_match: true },
    { name: "i", range_match: { start: 1, end: 5 } },
    { name: "j", present_match: true },
    { name: "k", string_match: { safe_regex: { regex: "a.*" } }, treat_missing_header_as_empty: true },
  ];
  const query_parameters = [
    { name: "q", string_match: { prefix: "x" } },
    { name: "p", present_match: true },
  ];
  const adding = [
    { header: { key: "k", value: "v" }, append_action: "ADD_IF_ABSENT", keep_empty_value: true },
  ];
  const routes = [
    {
      name: "forward",
      match: { prefix: "/", case_sensitive: true, headers, query_parameters },
      route: { cluster: "app", timeout: "1s", prefix_rewrite: "/x", host_rewrite_literal: "h" },
      metadata: META,
      response_headers_to_add: adding,
    },
    { match: { path: "/a" }, direct_response: { status: 200, body: { inline_string: "x" } } },
    {
      match: { safe_regex: { regex: "a.*" } },
      redirect: {
        host_redirect: "h",
        path_redirect: "/p",
        port_redirect: 80,
        response_code: "FOUND",
        strip_query: true,
      },
    },
  ];
  const listener = httpListener({
    name: "main",
    filters: [filter],
    routes,
    manager: {
      codec_type: "AUTO",
      server_name: "me",
      http_protocol_options: { enable_trailers: true, accept_http_10: true },
    },
    virtualHost: { domains: ["a.com", "*.b.com"], metadata: META, request_headers_to_remove: ["x"] },
    listener: { traffic_direction: "INBOUND", per_connection_buffer_limit_bytes: 1000, metadata: META },
  });
  const app = cluster("app", 1, {
    alt_stat_name: "x",
    lb_policy: "ROUND_ROBIN",
    metadata: META,
    ...CLUSTER_TRAILERS,
  });
  const more = {
    node: { id: "n", cluster: "c", locality: { region: "r", zone: "z", sub_zone: "s" }, metadata: { A: 1 } },
    stats_config: {
      use_all_default_tags: true,
      stats_tags: [
        { tag_name: "t", regex: "(a)" },
        { tag_name: "f", fixed_value: "v" },
      ],
    },
    stats_flush_interval: "5s",
  };
  return bootstrap({ listeners: [listener], clusters: [app], more });
}

const ODD: readonly unknown[] = [
  "",
  "x",
  0,
  1,
  -1,
  1.5,
  1e11,
  true,
  [],
  {},
  "0s",
  "5",
  "a b",
  "\u0000",
  "\u00e9",
  "/",
  "(",
];

type Path = (string | number)[];

function* paths(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value))
    yield* paths(item, [...path, Array.isArray(value) ? Number(key) : key]);
}

/** A copy with one place changed, or left out. */
function changed(file: Json, path: Path, value: unknown): Json {
  const copy = structuredClone(file);
  let at = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as typeof at;
  const key = path.at(-1)!;
  if (value !== undefined) at[key] = value;
  else if (Array.isArray(at)) at.splice(Number(key), 1);
  else delete at[key];
  return copy;
}

/** One variant in so many: an odd number, so that all values meet all kinds of fields. */
const SAMPLE = 31;

const envoy = inject("envoy");
describe.skipIf(envoy === undefined)("What the Node engine accepts, Envoy accepts", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "proxy-wasm-agreement-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test("a file with every supported field, each field left out or set to something odd", async () => {
    const base = everything(await guest("puppet"));
    const variants: [string, Json][] = [["the file itself", base]];
    for (const path of paths(base)) {
      // The module's path is checked against the disk, not here.
      if (path.at(-1) === "filename") continue;
      for (const value of [undefined, ...ODD])
        variants.push([`${path.join(".")} = ${JSON.stringify(value)}`, changed(base, path, value)]);
    }
    const accepted = variants.filter(([, file]) => nodeAccepts(file));
    const chosen = accepted.filter((_, i) => i % SAMPLE === 0);
    expect(chosen.length).toBeGreaterThan(20);
    const refused: string[] = [];
    let next = 0;
    const work = async () => {
      for (let i = next++; i < chosen.length; i = next++) {
        const [what, file] = chosen[i]!;
        if (!(await envoyAccepts(join(dir, `${i}.json`), file))) refused.push(what);
      }
    };
    await Promise.all([work(), work()]);
    expect(refused).toEqual([]);
  }, 60_000);
});

function nodeAccepts(file: Json): boolean {
  try {
    parseBootstrap(JSON.stringify(file), "envoy.json");
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

async function envoyAccepts(path: string, file: Json): Promise<boolean> {
  await writeFile(path, JSON.stringify(file));
  const child = spawn(envoy!, ["--mode", "validate", "-c", path, "-l", "off"], { stdio: "ignore" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0));
  });
}
