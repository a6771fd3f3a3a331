import type { HeaderMap } from "../../stores/header-map";
import { tlsFailure } from "../tls/client-tls";
import type { Host } from "./cluster";
import type { PooledSocket } from "./connector";

/** Why an exchange with a host ended early; the words stand in Envoy's reply texts. */
export type ResetReason =
  | "remote connection failure"
  | "connection timeout"
  | "connection termination"
  | "protocol error"
  | "remote reset"
  | "remote refused stream reset"
  | "overflow";

/** What happens to one exchange; nothing comes after an end of stream, a reset, or `cancel`. */
export interface UpstreamEvents {
  /** A connection is there and the request is on it. */
  onUpstreamReady(socket: PooledSocket): void;
  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void;
  onUpstreamData(chunk: Buffer, endStream: boolean): void;
  onUpstreamTrailers(trailers: HeaderMap): void;
  /** `detail` is why a connection failed, "" when nobody knows. */
  onUpstreamReset(reason: ResetReason, detail: string): void;
  /** The host takes request bytes again after `write` answered false. */
  onUpstreamDrain(): void;
  onUpstreamInformation(status: number): void;
  /** What carries the exchange out is broken; may come at any time. */
  onUpstreamBug(error: unknown): void;
}

/** One exchange with one host, whatever the protocol. */
export interface UpstreamStream {
  readonly host: Host;
  /** False asks the caller to wait for `onUpstreamDrain`. */
  write(chunk: Buffer): boolean;
  end(trailers?: HeaderMap): void;
  /** Holds the response's body back. */
  pause(paused: boolean): void;
  /** Drops the exchange; no event follows. */
  cancel(): void;
}

const ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Connection refused",
  ENETUNREACH: "Network is unreachable",
  EHOSTUNREACH: "No route to host",
  ECONNRESET: "Connection reset by peer",
};

/** The system's words for the error of a connection; empty for others. */
function connectionErrorText(code: string): string {
  return ERRORS[code] ?? "";
}

/** Why a connection failed, as Envoy tells it: by TLS's words, or the system's. Empty for others. */
export function failureText(error: NodeJS.ErrnoException | null | undefined): string {
  const tls = tlsFailure(error ?? null);
  if (tls !== undefined) return tls;
  const text = connectionErrorText(error?.code ?? "");
  return text === "" ? "" : `delayed connect error: ${text}`;
}

const CONNECTING: ReadonlySet<ResetReason> = new Set(["remote connection failure", "connection timeout"]);

/** Response code details of an exchange that ended before the response began. */
export function resetDetails(reason: ResetReason, detail: string): string {
  const cause = detail !== "" && CONNECTING.has(reason) ? `|${detail.replaceAll(" ", "_")}` : "";
  return `upstream_reset_before_response_started{${reason.replaceAll(" ", "_")}${cause}}`;
}
