import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  authority: "%REQ(:AUTHORITY)%",
  "request id": "%REQ(X-REQUEST-ID)%",
};

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
    return (await this.lines(count)).map((line) => JSON.parse(Buffer.from(line, "latin1").toString("utf8")));
  }
}
