import type { SourcePosition } from "../../errors";
import type { Format } from "../../formatter/text-format";

export interface AddressConfig {
  address: string;
  port: number;
  /** `::` takes IPv4 clients, too. */
  ipv4Compat?: boolean;
  position: SourcePosition;
}

export interface Cidr {
  address: string;
  prefixLength: number;
}

/** Bytes that are read when they are needed, and where the file names them. */
export type DataSource = { position: SourcePosition; positionPath: string } & (
  | { kind: "file"; path: string }
  | { kind: "inline"; bytes: Buffer }
);

/** `StringMatcher`. */
export interface StringMatch {
  kind: "exact" | "prefix" | "suffix" | "contains" | "regex";
  value: string;
  ignoreCase: boolean;
}

/** `FractionalPercent`: so many requests out of so many. */
export interface Fraction {
  numerator: number;
  denominator: number;
}

/** `Http2ProtocolOptions`: what this proxy announces to the other side. */
export interface Http2Config {
  /** Extended CONNECT (RFC 8441) is taken. */
  allowConnect: boolean;
  /** Bytes of the table that compresses headers. */
  tableSize: number;
  maxConcurrentStreams: number;
  /** Bytes a stream, or all streams of a connection together, may be ahead of the reader. */
  streamWindow: number;
  connectionWindow: number;
}

/** `*_headers_to_add` / `*_headers_to_remove` of one level. */
export interface HeaderMutation {
  add: HeaderToAdd[];
  remove: string[];
}

export interface HeaderToAdd {
  name: string;
  value: Format;
  action: "APPEND_IF_EXISTS_OR_ADD" | "ADD_IF_ABSENT" | "OVERWRITE_IF_EXISTS_OR_ADD" | "OVERWRITE_IF_EXISTS";
  keepEmptyValue: boolean;
}
