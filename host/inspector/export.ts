import { stringify } from "yaml";
import type { WasmPluginConfig } from "../config/model";
import type { Pair } from "./model";
import type { RecordedMessage } from "./recorded-message";
import type { RecordedStream } from "./recorded-stream";

/** Made by the proxy on the way in, or for every message: a replay gets its own. */
const MADE = new Set([
  "x-request-id",
  "x-forwarded-proto",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-upstream-service-time",
  "date",
  "server",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
]);

type Table = Record<string, string | string[]>;

const utf8 = (latin1: string) => Buffer.from(latin1, "latin1").toString();

/** Headers as a scenario writes them; a list = several lines. */
function table(pairs: readonly Pair[] = [], hide: (name: string) => boolean): Table | undefined {
  const found: Table = {};
  for (const [name, value] of pairs) {
    if (name.startsWith(":") || MADE.has(name)) continue;
    const text = hide(name) ? "<masked>" : utf8(value);
    const known = found[name];
    found[name] = known === undefined ? text : [known, text].flat();
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

function body(message: RecordedMessage): string | undefined {
  if (message.bytes === 0) return undefined;
  return message.body?.toString() ?? "<a body too long to keep>";
}

const lacking = (what: Table = {}, other: Table = {}) =>
  Object.fromEntries(Object.entries(what).filter(([name, value]) => String(other[name]) !== String(value)));

/** Headers that the filters have set on the way, and those they have removed (`null`). */
function changes(before: Table = {}, after: Table = {}): Record<string, unknown> | undefined {
  const removed = Object.keys(before).filter((name) => !(name in after));
  const found = { ...lacking(after, before), ...Object.fromEntries(removed.map((name) => [name, null])) };
  return Object.keys(found).length > 0 ? found : undefined;
}

/** Only what is there. */
const given = (record: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));

/** Clusters that filters called; what those answered is not recorded. */
function calledClusters(stream: RecordedStream): string[] {
  const names = stream.steps.flatMap(({ lines }) =>
    lines.flatMap((line) => /==> proxy_http_call\(cluster="([^"]+)"/.exec(line)?.[1] ?? []),
  );
  return [...new Set(names)].sort();
}

function plugin({ code, name, rootId, configuration, vmId }: WasmPluginConfig): Record<string, unknown> {
  return given({
    module: code.kind === "file" ? code.path : "<inline bytes: save the module in a file>",
    name: name || undefined,
    root_id: rootId || undefined,
    vm_id: vmId || undefined,
    configuration: configuration.length > 0 ? configuration.toString() : undefined,
  });
}

/** A stream as a scenario file: the request, the app's answer, and what came of them as the expectation. */
export function scenarioOf(
  stream: RecordedStream,
  plugins: readonly WasmPluginConfig[],
  hide: (name: string) => boolean,
): string {
  const { request, forwarded, response, decision } = stream;
  // What the router answered by itself (a direct response, no healthy host) is the app's answer here.
  const byRouter = !stream.upstream.headers && !decision;
  const upstream = byRouter ? response : stream.upstream;
  const [sent, went] = [table(request.headers, hide), table(forwarded.headers, hide)];
  const [came, got] = [table(upstream.headers, hide), table(response.headers, hide)];
  const clusters = calledClusters(stream);
  const scenario = {
    name: `${request.get(":method")} ${utf8(request.get(":path") ?? "")}`,
    plugins: plugins.map(plugin),
    ...(clusters.length > 0 && {
      clusters: Object.fromEntries(clusters.map((name) => [name, { status: 200 }])),
    }),
    steps: [
      given({
        request: given({
          method: request.get(":method"),
          path: utf8(request.get(":path") ?? ""),
          host: utf8(request.get(":authority") ?? ""),
          headers: sent,
          body: body(request),
          trailers: table(request.trailers, hide),
        }),
        upstream:
          upstream.headers &&
          given({
            status: Number(upstream.get(":status")),
            headers: came,
            body: body(upstream),
            trailers: table(upstream.trailers, hide),
          }),
        expect: given({
          status: response.headers && Number(response.get(":status")),
          headers: changes(came, got),
          body: body(response),
          forwarded: forwarded.headers
            ? given({ path: utf8(forwarded.get(":path") ?? ""), headers: changes(sent, went) })
            : false,
        }),
      }),
    ],
  };
  const notes = [
    "# One stream, recorded by proxy-wasm run --inspect. Run it from the folder that the modules' paths count from:",
    "#   npx proxy-wasm test stream.scenario.yaml --engine both",
    ...(clusters.length > 0
      ? ["# What the clusters answered is not recorded: say it under `clusters`."]
      : []),
  ];
  // YAML 1.1 quotes what Envoy and the scenario reader take for a boolean: "yes", "on".
  return `${notes.join("\n")}\n${stringify(scenario, { version: "1.1", lineWidth: 110 })}`;
}
