/** Time limits of a connection manager. Milliseconds; 0 = none. */
export interface ManagerTimeouts {
  /** Silence of a stream. */
  streamIdleMs: number;
  /** For the whole request to come. */
  requestMs: number;
  /** For the head of a request to come. */
  requestHeadersMs: number;
  /** For request and response together. */
  maxStreamMs: number;
  /** A connection without streams. */
  connectionIdleMs: number;
  /** Undefined = none. */
  maxConnectionMs: number | undefined;
  /** HTTP/1 connections that are too old say so with their next answer, and are never closed without one. */
  safeMaxConnection: boolean;
  /** Between the announcement that a connection will be closed and the deed. */
  drainMs: number;
  /** For a client to read a last answer and to close. */
  delayedCloseMs: number;
}

/** Time limits of a route, beside `timeout`. Milliseconds; 0 = none, undefined = the file says nothing. */
export interface RouteTimeouts {
  /** In place of the connection manager's. */
  idleMs: number | undefined;
  /** In place of `timeout`: it is not counted once this is set. */
  maxStream: MaxStreamDuration | undefined;
  /** With it a gRPC request's own `grpc-timeout`, up to so much, takes the place of `timeout`. */
  maxGrpcMs: number | undefined;
  grpcOffsetMs: number | undefined;
}

export interface MaxStreamDuration {
  /** In place of the connection manager's. */
  durationMs: number | undefined;
  /** With it a request's own `grpc-timeout`, up to so much, takes the place of `durationMs`. */
  grpcHeaderMaxMs: number | undefined;
  grpcHeaderOffsetMs: number | undefined;
}
