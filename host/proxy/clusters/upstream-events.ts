import type { Socket } from "node:net";
import type { HeaderMap } from "../../stores/header-map";

/** Why an exchange with a host ended early; the words stand in Envoy's reply texts. */
export type ResetReason =
  | "remote connection failure"
  | "connection timeout"
  | "connection termination"
  | "protocol error"
  | "overflow";

/** What happens to one exchange; nothing comes after an end of stream, a reset, or `cancel`. */
export interface UpstreamEvents {
  /** A connection is there and the request is on it. */
  onUpstreamReady(socket: Socket): void;
  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void;
  onUpstreamData(chunk: Buffer, endStream: boolean): void;
  onUpstreamTrailers(trailers: HeaderMap): void;
  /** `detail` is the connection's own error, when there is one. */
  onUpstreamReset(reason: ResetReason, detail: string): void;
  /** The host takes request bytes again after `write` answered false. */
  onUpstreamDrain(): void;
  onUpstreamInformation(status: number): void;
}
