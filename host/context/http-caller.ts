import type { HeaderMap } from "../stores/header-map";

/** An answer to an HTTP call; local failures (503, 504) arrive as ordinary answers. */
export interface HttpCallResponse {
  headers: HeaderMap;
  body: Buffer;
  trailers: HeaderMap | undefined;
}

export interface HttpCallRequest {
  /** With `:method`, `:path`, `:authority`. */
  headers: HeaderMap;
  body: Buffer;
  trailers: HeaderMap | undefined;
  /** 0 = none. */
  timeoutMs: number;
}

/** Carries `proxy_http_call` out; the proxy's cluster manager implements it. Never answers synchronously. */
export interface HttpCaller {
  hasCluster(name: string): boolean;
  /** Undefined when the cluster has no usable host. `onDone(undefined)` = reset in mid-response. */
  call(
    cluster: string,
    request: HttpCallRequest,
    onDone: (response: HttpCallResponse | undefined) => void,
  ): { cancel(): void } | undefined;
}
