import { BufferType } from "../abi/buffer-type";
import { MapType } from "../abi/map-type";
import { ProxyBuffer, proxyBuffer } from "../hostcalls/buffers";
import { HeaderMap, headerMap } from "../hostcalls/headers";
import { getPropertyInt, getPropertyString } from "../hostcalls/properties";

let ended: bool = false;
let headerCount: u32 = 0;

/** @internal What the current callback was told. */
export function announce(count: u32, endOfStream: u32): void {
  headerCount = count;
  ended = endOfStream != 0;
}

/** The request of the current stream. All reads and writes go straight to the proxy. */
@unmanaged
export class HttpRequest {
  /** Live in `onRequestHeaders` and while paused there; readable in `onLog`. */
  get headers(): HeaderMap {
    return headerMap(MapType.HttpRequestHeaders);
  }

  /** Live in `onRequestTrailers`. */
  get trailers(): HeaderMap {
    return headerMap(MapType.HttpRequestTrailers);
  }

  /** What a body callback is about: a part, or all that is buffered. */
  get body(): ProxyBuffer {
    return proxyBuffer(BufferType.HttpRequestBody);
  }

  /** In a request callback: whether nothing follows (no body, or its last part). */
  get endOfStream(): bool {
    return ended;
  }

  /** In `onRequestHeaders` and `onRequestTrailers`: the number of pairs. */
  get headerCount(): u32 {
    return headerCount;
  }

  /** Path with query, e.g. `/a?b=1`. Like all texts below: null when the request headers are not live. */
  get path(): string | null {
    return getPropertyString("request.path");
  }

  /** Path without query. */
  get urlPath(): string | null {
    return getPropertyString("request.url_path");
  }

  /** Query without `?`; "" when there is none. */
  get query(): string | null {
    return getPropertyString("request.query");
  }

  /** `GET`, `POST`, ... */
  get method(): string | null {
    return getPropertyString("request.method");
  }

  /** `:authority`, with its port when it has one. */
  get host(): string | null {
    return getPropertyString("request.host");
  }

  /** `http` or `https`. */
  get scheme(): string | null {
    return getPropertyString("request.scheme");
  }

  /** `HTTP/1.1`, `HTTP/2`, ... */
  get protocol(): string | null {
    return getPropertyString("request.protocol");
  }

  /** Value of `x-request-id`. */
  get id(): string | null {
    return getPropertyString("request.id");
  }

  /** Value of `user-agent`. */
  get userAgent(): string | null {
    return getPropertyString("request.useragent");
  }

  /** Value of `referer`. */
  get referer(): string | null {
    return getPropertyString("request.referer");
  }

  /** When the first byte arrived, nanoseconds since 1970; 0 = unknown. */
  get time(): i64 {
    return getPropertyInt("request.time");
  }

  /** Whole duration, nanoseconds; -1 until the exchange is complete (`onLog`). */
  get duration(): i64 {
    return getPropertyInt("request.duration", -1);
  }

  /** Content length, or the body bytes received. */
  get size(): i64 {
    return getPropertyInt("request.size");
  }

  /** Names and values of the headers, bytes; 0 when they are not live. */
  get headersSize(): i64 {
    return getPropertyInt("request.headers_bytes");
  }

  /** Body and headers, bytes. */
  get totalSize(): i64 {
    return getPropertyInt("request.total_size");
  }
}

/** The response of the current stream. */
@unmanaged
export class HttpResponse {
  /** Live in `onResponseHeaders`; readable in `onLog`. */
  get headers(): HeaderMap {
    return headerMap(MapType.HttpResponseHeaders);
  }

  /** Live in `onResponseTrailers`. */
  get trailers(): HeaderMap {
    return headerMap(MapType.HttpResponseTrailers);
  }

  /** As the request's. */
  get body(): ProxyBuffer {
    return proxyBuffer(BufferType.HttpResponseBody);
  }

  /** In a response callback: whether nothing follows. */
  get endOfStream(): bool {
    return ended;
  }

  /** In `onResponseHeaders` and `onResponseTrailers`: the number of pairs. */
  get headerCount(): u32 {
    return headerCount;
  }

  /** HTTP status; 0 while unknown, or when the client left first. */
  get code(): i32 {
    return <i32>getPropertyInt("response.code");
  }

  /** Why the response is what it is, e.g. `via_upstream`; null while unknown. */
  get codeDetails(): string | null {
    return getPropertyString("response.code_details");
  }

  /** Envoy's response flags as a bit set; 0 = none. */
  get flags(): i64 {
    return getPropertyInt("response.flags");
  }

  /** gRPC status, from trailers, headers or the HTTP code; -1 while unknown. */
  get grpcStatus(): i32 {
    return <i32>getPropertyInt("response.grpc_status", -1);
  }

  /** Body bytes sent. */
  get size(): i64 {
    return getPropertyInt("response.size");
  }

  /** Names and values of the headers, bytes; 0 when they are not live. */
  get headersSize(): i64 {
    return getPropertyInt("response.headers_bytes");
  }

  /** Body and headers, bytes. */
  get totalSize(): i64 {
    return getPropertyInt("response.total_size");
  }

  /** From the last byte sent upstream to the first one received, nanoseconds; -1 until the exchange is complete. */
  get backendLatency(): i64 {
    return getPropertyInt("response.backend_latency", -1);
  }
}
