import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { OPERATORS } from "../../host/formatter/operators/table";
import type { Json } from "./bootstrap";

const dir = mkdtempSync(join(tmpdir(), "access-logs-"));
let files = 0;

/** Arguments for the operators that need one. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  REQ: "x-envoy-original-path?:path",
  REQUEST_HEADER: "user-agent",
  RESP: ":status",
  RESPONSE_HEADER: "content-type",
  TRAILER: "grpc-status",
  RESPONSE_TRAILER: "x-t",
  QUERY_PARAM: "q",
  ENVIRONMENT: "NO_SUCH_VARIABLE_HERE",
  DYNAMIC_METADATA: "ns:text",
  CLUSTER_METADATA: "ns:map",
  UPSTREAM_METADATA: "ns:text",
  METADATA: "ROUTE:ns:number",
  FILTER_STATE: "wasm.a:PLAIN",
  UPSTREAM_FILTER_STATE: "a",
  COALESCE: '{"operators":["ROUTE_NAME","PROTOCOL"]}',
  COMMON_DURATION: "DS_RX_BEG:DS_RX_END:us",
};

const POINTS = [
  ...[
    "DS_RX_END",
    "US_CX_BEG",
    "US_CX_END",
    "US_HS_END",
    "US_TX_BEG",
    "US_TX_END",
    "US_RX_BEG",
    "US_RX_BODY_BEG",
  ],
  ...["US_RX_END", "DS_TX_BEG", "DS_TX_END"],
];

/** A field for every operator, and some of their forms. */
export const EVERYTHING: Json = {
  ...Object.fromEntries(
    Object.keys(OPERATORS).map((name) => [
      name,
      ARGUMENTS[name] ? `%${name}(${ARGUMENTS[name]})%` : `%${name}%`,
    ]),
  ),
  ...Object.fromEntries(POINTS.map((point) => [`to ${point}`, `%COMMON_DURATION(DS_RX_BEG:${point}:ns)%`])),
  details: "%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%",
  grpc: "%GRPC_STATUS(SNAKE_STRING)%/%GRPC_STATUS(NUMBER)%",
  "server name": "%REQUESTED_SERVER_NAME(SNI_FIRST)%",
  path: "%PATH(NQ:PATH)%",
  query: "%QUERY_PARAMS(DECODED)%",
  network: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)%",
  state: "%FILTER_STATE(wasm.a)%",
  "state size": "%FILTER_STATE(wasm.a:PLAIN):2%",
  method: "%REQ(:METHOD)%",
  "service time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  authority: "%REQ(:AUTHORITY)%",
  "request id": "%REQ(X-REQUEST-ID)%",
};

const parse = (line: string): Json => JSON.parse(Buffer.from(line, "latin1").toString("utf8"));

/** A log of a behaviour: a file of its own. */
export class LogUnderTest {
  readonly path = join(dir, `${files++}.log`);

  /** An entry of `access_log`. */
  entry(format: Json = { json_format: EVERYTHING }, more: Json = {}): Json {
    return {
      name: "envoy.access_loggers.file",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        path: this.path,
        ...(Object.keys(format).length > 0 && { log_format: format }),
      },
      ...more,
    };
  }

  /** So many lines, once they are there. */
  lines(count: number): Promise<string[]> {
    return this.read((lines) => lines.length >= count);
  }

  /** All lines, once one of them is this one. */
  until(last: string): Promise<string[]> {
    return this.read((lines) => lines.includes(last));
  }

  private async read(enough: (lines: string[]) => boolean): Promise<string[]> {
    const changes = watch(dir);
    try {
      for (;;) {
        const lines = existsSync(this.path) ? readFileSync(this.path, "latin1").split("\n").slice(0, -1) : [];
        if (enough(lines)) return lines;
        await once(changes, "change");
      }
    } finally {
      changes.close();
    }
  }

  async entries(count: number): Promise<Json[]> {
    return (await this.lines(count)).map(parse);
  }

  /** The first entry and that of the end, however many lie between them. */
  async ends(): Promise<Json[]> {
    const lines = await this.read((all) => all.some((line) => line.includes('"DownstreamEnd"')));
    return [parse(lines[0]!), parse(lines.at(-1)!)];
  }
}

/** What is different each time, by its shape. */
const SHAPES: [shape: string, pattern: RegExp][] = [
  ["<time>", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4})$/],
  ["<uuid>", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/],
];
const DURATION = /DURATION|^to |_US$/;
const COUNTED = /^(UPSTREAM_)?CONNECTION_ID/;

/** How bytes of these are told from one engine's to the other's: see docs/envoy-differences.md. */
const ESTIMATED = ["UPSTREAM_WIRE_BYTES_RECEIVED", "DOWNSTREAM_CX_RTT"];

/** Bytes that the digits of the service time are among. */
const SERVICE_TIME = ["RESPONSE_HEADERS_BYTES", "DOWNSTREAM_WIRE_BYTES_SENT", "DOWNSTREAM_HEADER_BYTES_SENT"];
const SERVED = [...SERVICE_TIME, "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT"];

/** An entry with what differs from run to run replaced by what it is; checks how such values go together. */
export function settled(entry: Json, ports: Readonly<Record<string, number>>): Json {
  checkTimes(entry);
  const digits = String(entry["service time"] ?? "").length;
  return Object.fromEntries(
    Object.entries(entry).map(([name, value]) => {
      if (ESTIMATED.includes(name)) return [name, "<estimate>"];
      if (typeof value === "number") {
        if (DURATION.test(name)) return [name, "<number>"];
        if (name === "CONNECTION_ID" || (COUNTED.test(name) && value > 0)) return [name, "<number>"];
        if (SERVED.includes(name)) return [name, value - digits];
        if (name.endsWith("PORT")) return [name, portName(value, ports)];
      }
      if (typeof value !== "string") return [name, value];
      if (name === "service time") return [name, "<number>"];
      if (COUNTED.test(name)) return [name, value.replace(/\d+/g, "<number>")];
      const shape = SHAPES.find(([, pattern]) => pattern.test(value))?.[0];
      if (shape) return [name, shape];
      return [
        name,
        value.replace(/127\.0\.0\.1:(\d+)/g, (_, port) => `127.0.0.1:${portName(Number(port), ports)}`),
      ];
    }),
  );
}

function portName(port: number, ports: Readonly<Record<string, number>>): string {
  return (
    Object.entries(ports).find(([, known]) => known === port)?.[0] ?? (port > 1 ? "<port>" : String(port))
  );
}

/** Points of a stream that follow one another. */
const ORDER = [
  ["DS_RX_END"],
  ["US_CX_BEG", "US_CX_END"],
  ["US_TX_BEG", "US_TX_END"],
  ["US_TX_BEG", "US_RX_BEG", "US_RX_BODY_BEG", "US_RX_END"],
  ["US_RX_BEG", "DS_TX_BEG", "DS_TX_END"],
];

function checkTimes(entry: Json): void {
  const at = (point: string) => entry[`to ${point}`] as number | null;
  for (const points of ORDER) {
    const passed = points.map(at).filter((time) => time !== null);
    expect([...passed].sort((a, b) => a - b)).toEqual(passed);
  }
  const times = ["START_TIME", "EMIT_TIME"].map((name) => Date.parse(String(entry[name])));
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(0);
  expect(Math.abs(times[1]! - times[0]! - Number(entry.DURATION))).toBeLessThan(1000);
}

const seen = new Map<string, Map<string, Json[]>>();

/** What one engine wrote must be what the other did. `differs`: fields that are not compared. */
export function both(kind: string, engine: string, entries: Json[], differs: readonly string[] = []): void {
  const compared = entries.map((entry) =>
    Object.fromEntries(Object.entries(entry).filter(([name]) => !differs.includes(name))),
  );
  const others = seen.get(kind) ?? new Map<string, Json[]>();
  seen.set(kind, others.set(engine, compared));
  for (const other of others.values()) expect(compared).toEqual(other);
}
