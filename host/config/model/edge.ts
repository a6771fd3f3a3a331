import type { Cidr } from "./common";

/** What a connection manager does to requests as they come in from outside, and to responses as they leave. */
export interface EdgeConfig {
  path: PathRules;
  host: HostRules;
  client: ClientRules;
  requestId: RequestIdConfig;
  /** What the proxy calls itself in `via`, both ways; "" = nothing. */
  via: string;
  serverHeader: "OVERWRITE" | "APPEND_IF_ABSENT" | "PASS_THROUGH";
  /** `internal_only_headers` of the routes: what only requests from inside may carry, lower-case. */
  internalOnly: string[];
  /** Names the node to the next hop. */
  addUserAgent: boolean;
  /** Told to the next hop in place of what the client says. */
  schemeToSet: "http" | "https" | undefined;
  /** The scheme follows the upstream's TLS. */
  schemeOfUpstream: boolean;
}

/** `normalize_path`, `merge_slashes`, `path_with_escaped_slashes_action`. */
export interface PathRules {
  normalize: boolean;
  mergeSlashes: boolean;
  escapedSlashes: "KEEP_UNCHANGED" | "REJECT_REQUEST" | "UNESCAPE_AND_REDIRECT" | "UNESCAPE_AND_FORWARD";
}

export interface HostRules {
  /** `matching`: a port that is the listener's own. */
  stripPort: "none" | "matching" | "any";
  stripTrailingDot: boolean;
}

/** Who the client is, and how far it is trusted. */
export interface ClientRules {
  /** The peer is the client, or the nearest proxy in front: `x-forwarded-for` is appended to. */
  useRemoteAddress: boolean;
  /** Proxies in front whose `x-forwarded-for` is believed. */
  trustedHops: number;
  skipXffAppend: boolean;
  appendForwardedPort: boolean;
  /** Addresses of the mesh itself; empty = nothing is internal. */
  internal: Cidr[];
}

export interface RequestIdConfig {
  generate: boolean;
  /** Of a client outside; else it gets a new one. */
  preserveExternal: boolean;
  inResponse: boolean;
  /** Whether a request is traced is written into its id. */
  packTraceReason: boolean;
  useForSampling: boolean;
}
