import type { PeerType } from "../../sdk/abi/peer-type";
import type { StreamInfo } from "../stores/stream-info";
import type { BodyBuffer } from "./body-buffer";

/** What a network filter's hook answers; every number but 0 stops, as in Envoy. */
export enum NetworkStatus {
  Continue = 0,
  StopIteration = 1,
}

/**
 * One filter of one TCP connection. Data hooks get the connection's own buffer: what a hook stopped at is still there,
 * with what came since, at the next call. Hooks run in chain order from the client, in reverse towards it.
 */
export interface NetworkFilter {
  /** Once, before any data. Stopping here keeps later filters and the upstream connection waiting. */
  onNewConnection(): NetworkStatus;
  onDownstreamData(data: BodyBuffer, end: boolean): NetworkStatus;
  onUpstreamData(data: BodyBuffer, end: boolean): NetworkStatus;
  /** The client connection is closed, seen from the proxy; nothing follows. */
  onClose(peer: PeerType): void;
}

/** What lies around a chain of network filters: the client's socket and the way to the upstream. */
export interface NetworkEnds {
  readonly info: StreamInfo;
  /** Every filter has let the connection in. */
  connect(): void;
  /** Bytes of the client leave the last filter. Called again with the end of stream when a filter says so twice. */
  toUpstream(data: Buffer, end: boolean): void;
  /** Bytes of the upstream leave the first filter. */
  toDownstream(data: Buffer, end: boolean): void;
  /** Closes the client connection once what was written to it has left. */
  closeDownstream(): void;
  /** Filters hold that many bytes of each side now. */
  holding(downstream: number, upstream: number): void;
}

/** What the chain offers to one filter. */
export interface NetworkFilterCallbacks {
  readonly info: StreamInfo;
  /** Goes on behind this filter with what is held, whether it had stopped or not. */
  continueReading(): void;
  close(): void;
}

/** Installs one filter on a new connection; undefined = it is left out of this one (fail open). */
export interface NetworkFilterFactory {
  readonly name: string;
  createNetwork(callbacks: NetworkFilterCallbacks): NetworkFilter | undefined;
}
