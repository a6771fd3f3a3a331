/** What a codec takes of a message's head. */
export interface HeaderLimits {
  /** Bytes of all names and values. */
  bytes: number;
  /** Header lines. */
  count: number;
}

/** How the connections of clients are read and written. */
export interface DownstreamCodecConfig {
  limits: HeaderLimits;
  /** What becomes of headers with an underscore in their names. */
  underscores: "ALLOW" | "REJECT_REQUEST" | "DROP_HEADER";
  /** Requests on a connection; 0 = as many as come. */
  maxRequests: number;
  /** A message over HTTP/2 that is none ends its stream, not the connection. */
  streamErrors: boolean;
  /** `http_protocol_options`. */
  enableTrailers: boolean;
  acceptHttp10: boolean;
  /** Of HTTP/1.0 requests that name none; "" = they are refused. */
  defaultHost: string;
  /** A target may be a whole URL. */
  absoluteUrl: boolean;
  /** A length beside chunks is left out; else such a request is refused. */
  chunkedLength: boolean;
  /** Header names go out over HTTP/1.1 `Like-This`. */
  properCase: boolean;
}

/** The same of hosts. */
export interface UpstreamCodecConfig {
  limits: HeaderLimits;
  enableTrailers: boolean;
  properCase: boolean;
}
