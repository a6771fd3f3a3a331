import { BufferType } from "../../sdk/abi/buffer-type";
import { MapType } from "../../sdk/abi/map-type";
import { StreamType } from "../../sdk/abi/stream-type";
import { Context, type GuestBuffer, type LocalResponse } from "../context/context";
import { logPrefix, type RootContext } from "../context/root-context";
import type { HeaderMap } from "../stores/header-map";
import type { PropertyScope } from "../stores/properties";
import {
  type BodyChunk,
  DataStatus,
  type FilterCallbacks,
  HeadersStatus,
  type StreamFilter,
  TrailersStatus,
} from "./filter";
import { dataStatus, headersStatus } from "./results";

const EMPTY = Buffer.alloc(0);

/** How a stream reacts when its VM is failed. */
export interface StreamPolicy {
  /** `fail_open: true`: a stream that hits a failed VM passes through instead of getting 503. */
  passWhenFailed: boolean;
  allowOnHeadersStopIteration: boolean;
}

/** One direction's state as the guest sees it. */
interface Side {
  headers: HeaderMap | undefined;
  trailers: HeaderMap | undefined;
  /** The chunk in the hook's hands. */
  chunk: BodyChunk | undefined;
  buffering: boolean;
  /** The last body frame is being shown: trailers may be created. */
  lastData: boolean;
}

const side = (): Side => ({
  headers: undefined,
  trailers: undefined,
  chunk: undefined,
  buffering: false,
  lastData: false,
});

/** The stream context of an HTTP filter: turns hooks into callbacks, and holds what hostcalls reach. */
export class HttpContext extends Context implements StreamFilter {
  readonly logPrefix: string;
  private readonly request = side();
  private readonly response = side();
  private logging = false;
  private created = false;
  private replied = false;
  private failureAnswered = false;
  private closed = false;

  constructor(
    readonly root: RootContext,
    private readonly callbacks: FilterCallbacks,
    private readonly policy: StreamPolicy,
  ) {
    super(root.instance);
    const { name, rootId, vmId } = root.plugin;
    this.logPrefix = logPrefix(name, rootId, vmId);
  }

  // --- hooks

  private create(): void {
    if (this.created) return;
    this.created = true;
    this.instance.invoke(this, "proxy_on_context_create", this.root.id);
  }

  decodeHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    this.create();
    this.request.headers = headers;
    const status = this.headersStatus(
      this.instance.invoke(this, "proxy_on_request_headers", headers.size, end ? 1 : 0),
    );
    if (passesHeaders(status)) this.request.headers = undefined;
    return status;
  }

  encodeHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    if (!this.created) return HeadersStatus.Continue;
    this.response.headers = headers;
    const status = this.headersStatus(
      this.instance.invoke(this, "proxy_on_response_headers", headers.size, end ? 1 : 0),
    );
    if (passesHeaders(status)) this.response.headers = undefined;
    return status;
  }

  decodeData(chunk: BodyChunk, end: boolean): DataStatus {
    const { callbacks } = this;
    return this.data(
      this.request,
      "proxy_on_request_body",
      chunk,
      end,
      callbacks.requestBuffer,
      callbacks.setRequestBuffer,
      callbacks.requestOpen,
    );
  }

  encodeData(chunk: BodyChunk, end: boolean): DataStatus {
    const { callbacks } = this;
    return this.data(
      this.response,
      "proxy_on_response_body",
      chunk,
      end,
      callbacks.responseBuffer,
      callbacks.setResponseBuffer,
      callbacks.responseOpen,
    );
  }

  private data(
    at: Side,
    callback: "proxy_on_request_body" | "proxy_on_response_body",
    chunk: BodyChunk,
    end: boolean,
    buffered: () => Buffer | undefined,
    setBuffered: (data: Buffer) => void,
    open: () => boolean,
  ): DataStatus {
    if (!this.created) return DataStatus.Continue;
    if (at.buffering) {
      // While buffering the guest sees everything so far: the chunk joins what is held first.
      const held = buffered() ?? EMPTY;
      if (chunk.data.length > 0) setBuffered(Buffer.concat([held, chunk.data]));
      chunk.data = EMPTY;
      // That may have been too much: the chain has answered then.
      if (!open()) return DataStatus.StopIterationNoBuffer;
    } else at.chunk = chunk;
    at.lastData = end;
    const size = at.buffering ? (buffered()?.length ?? 0) : chunk.data.length;
    const result = this.instance.invoke(this, callback, size, end ? 1 : 0);
    at.lastData = false;
    at.chunk = undefined;
    const status = this.dataStatus(result);
    at.buffering = status === DataStatus.StopIterationAndBuffer;
    return status;
  }

  decodeTrailers(trailers: HeaderMap): TrailersStatus {
    return this.trailers(this.request, "proxy_on_request_trailers", trailers);
  }

  encodeTrailers(trailers: HeaderMap): TrailersStatus {
    return this.trailers(this.response, "proxy_on_response_trailers", trailers);
  }

  private trailers(
    at: Side,
    callback: "proxy_on_request_trailers" | "proxy_on_response_trailers",
    trailers: HeaderMap,
  ): TrailersStatus {
    if (!this.created) return TrailersStatus.Continue;
    at.trailers = trailers;
    const result = this.instance.invoke(this, callback, trailers.size);
    if (this.failed()) return this.passing ? TrailersStatus.Continue : TrailersStatus.StopIteration;
    const stop = result !== undefined && result !== 0;
    if (!stop) at.trailers = undefined;
    return stop ? TrailersStatus.StopIteration : TrailersStatus.Continue;
  }

  onLog(): void {
    this.create();
    this.logging = true;
    this.instance.invoke(this, "proxy_on_log");
    this.logging = false;
    this.advance("log");
  }

  onDestroy(): void {
    this.closed = true;
    this.instance.invoke(this, "proxy_on_done");
    this.advance("done");
    this.instance.invoke(this, "proxy_on_delete");
    this.advance("delete");
    this.instance.forget(this);
  }

  // --- results

  /** After a callback: did the VM fail? A failed stream is answered 503 once, unless failures pass through. */
  private failed(): boolean {
    if (!this.instance.failed) return false;
    if (!this.passing) {
      this.failureAnswered = true;
      this.callbacks.sendLocalReply({ status: 503, body: "", details: "wasm_fail_stream", grpcStatus: 14 });
    }
    return true;
  }

  /** Lets a failed stream go on: the policy says so, or what comes is the answer to the failure. */
  private get passing(): boolean {
    return this.policy.passWhenFailed || this.failureAnswered;
  }

  private headersStatus(result: number | undefined): HeadersStatus {
    if (!this.failed()) return headersStatus(result, this.policy.allowOnHeadersStopIteration);
    return this.passing ? HeadersStatus.Continue : HeadersStatus.StopAllIterationAndWatermark;
  }

  private dataStatus(result: number | undefined): DataStatus {
    if (!this.failed()) return dataStatus(result);
    return this.passing ? DataStatus.Continue : DataStatus.StopIterationNoBuffer;
  }

  // --- what hostcalls reach

  override readableMap(type: MapType): HeaderMap | undefined {
    const { info } = this.callbacks;
    if (this.logging) {
      if (type === MapType.HttpRequestHeaders) return info.requestHeaders;
      if (type === MapType.HttpResponseHeaders) return info.responseHeaders;
      if (type === MapType.HttpResponseTrailers) return info.responseTrailers;
      if (type === MapType.HttpRequestTrailers) return undefined;
    }
    return this.liveMap(type) ?? super.readableMap(type);
  }

  override writableMap(type: MapType): HeaderMap | undefined {
    return this.logging || this.closed ? undefined : this.liveMap(type, true);
  }

  private liveMap(type: MapType, create = false): HeaderMap | undefined {
    switch (type) {
      case MapType.HttpRequestHeaders:
        return this.request.headers;
      case MapType.HttpResponseHeaders:
        return this.response.headers;
      case MapType.HttpRequestTrailers:
        if (create && this.request.lastData) this.request.trailers ??= this.callbacks.addRequestTrailers();
        return this.request.trailers;
      case MapType.HttpResponseTrailers:
        if (create && this.response.lastData) this.response.trailers ??= this.callbacks.addResponseTrailers();
        return this.response.trailers;
      default:
        return undefined;
    }
  }

  override mapChanged(type: MapType): void {
    if (type === MapType.HttpRequestHeaders) this.callbacks.clearRouteCache();
  }

  override get unavailableMapIsNotFound(): boolean {
    return this.logging;
  }

  override buffer(type: BufferType): GuestBuffer | undefined {
    const { callbacks } = this;
    if (type === BufferType.HttpRequestBody)
      return bodyBuffer(this.request, callbacks.requestBuffer, callbacks.setRequestBuffer);
    if (type === BufferType.HttpResponseBody)
      return bodyBuffer(this.response, callbacks.responseBuffer, callbacks.setResponseBuffer);
    // The VM's and call buffers belong to the root.
    return super.buffer(type);
  }

  properties(): PropertyScope {
    const { info } = this.callbacks;
    const { logging } = this;
    return {
      plugin: this.root.plugin,
      stream: {
        info,
        requestHeaders: logging ? info.requestHeaders : this.request.headers,
        responseHeaders: logging ? info.responseHeaders : this.response.headers,
        responseTrailers: logging ? info.responseTrailers : this.response.trailers,
        complete: logging || this.closed,
        now: () => this.instance.deps.clock.monotonic(),
      },
    };
  }

  override setProperty(path: string, value: Buffer): boolean {
    this.callbacks.info.filterState.set(`wasm.${path}`, value);
    return true;
  }

  override continueStream(type: StreamType): void {
    if (type === StreamType.HttpRequest) {
      this.request.headers = undefined;
      this.request.trailers = undefined;
      this.instance.defer(() => this.unlessClosed(() => this.callbacks.continueDecoding()));
    } else if (type === StreamType.HttpResponse) {
      this.instance.defer(() => this.unlessClosed(() => this.callbacks.continueEncoding()));
    }
  }

  override closeStream(type: StreamType): void {
    const reset = type === StreamType.HttpRequest || type === StreamType.HttpResponse;
    if (reset)
      this.instance.defer(() => this.unlessClosed(() => this.callbacks.resetStream("wasm_close_stream")));
  }

  override sendLocalResponse(response: LocalResponse): void {
    // In on_log Envoy recurses until it crashes; here the call has no effect.
    if (this.logging || this.closed || this.replied) return;
    this.replied = true;
    this.instance.defer(() =>
      this.unlessClosed(() =>
        this.callbacks.sendLocalReply({ ...response, details: response.details.replace(/\s/g, "_") }),
      ),
    );
  }

  private unlessClosed(action: () => void): void {
    if (!this.closed) action();
  }

  override clearRouteCache(): void {
    this.callbacks.clearRouteCache();
  }
}

function passesHeaders(status: HeadersStatus): boolean {
  return status === HeadersStatus.Continue || status === HeadersStatus.ContinueAndDontEndStream;
}

/** The chunk in a hook's hands, or what the filter holds while it buffers. */
function bodyBuffer(
  at: Side,
  buffered: () => Buffer | undefined,
  setBuffered: (data: Buffer) => void,
): GuestBuffer | undefined {
  const { chunk } = at;
  if (chunk)
    return {
      get: () => chunk.data,
      set: (data) => {
        chunk.data = data;
      },
    };
  return at.buffering ? { get: () => buffered() ?? EMPTY, set: setBuffered } : undefined;
}
