import { BufferType } from "../../sdk/abi/buffer-type";
import { MapType } from "../../sdk/abi/map-type";
import { StreamType } from "../../sdk/abi/stream-type";
import { Context, type GuestBuffer, type LocalResponse } from "../context/context";
import { LifecycleEvent } from "../context/lifecycle";
import type { RootContext } from "../context/root-context";
import type { HeaderMap } from "../stores/header-map";
import { loggedMap, loggedScope } from "../stores/logged";
import type { PropertyScope } from "../stores/properties";
import {
  type BodyChunk,
  DataStatus,
  type FilterCallbacks,
  HeadersStatus,
  type StreamFilter,
  TrailersStatus,
} from "./filter";
import { HttpSide } from "./http-side";
import { dataStatus, headersStatus } from "./results";

/** Response code details of a stream that a defect of this host has ended. */
const HOST_BUG = "host_bug";

/** How a stream reacts when its VM is failed. */
export interface StreamPolicy {
  /** `fail_open: true`: a stream that hits a failed VM passes through instead of getting 503. */
  passWhenFailed: boolean;
  allowOnHeadersStopIteration: boolean;
}

/** The stream context of an HTTP filter: turns hooks into callbacks, and holds what hostcalls reach. */
export class HttpContext extends Context implements StreamFilter {
  private readonly request: HttpSide;
  private readonly response: HttpSide;
  private logging = false;
  private created = false;
  private replied = false;
  private broken = false;
  private failureAnswered = false;
  private closed = false;

  constructor(
    readonly root: RootContext,
    private readonly callbacks: FilterCallbacks,
    private readonly policy: StreamPolicy,
  ) {
    super(root.instance);
    root.streamBegun();
    this.request = new HttpSide(callbacks.requestBody);
    this.response = new HttpSide(callbacks.responseBody);
  }

  get logPrefix(): string {
    return this.root.streamLogPrefix;
  }

  // --- hooks

  private create(): void {
    if (this.created) return;
    this.created = true;
    this.instance.run(this, this.instance.vm.callbacks.proxy_on_context_create, this.root.id);
  }

  decodeHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    this.create();
    this.request.headers = headers;
    const status = this.headersStatus(
      this.instance.run(this, this.instance.vm.callbacks.proxy_on_request_headers, headers.size, end ? 1 : 0),
    );
    if (passesHeaders(status)) this.request.headers = undefined;
    return status;
  }

  encodeHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    if (!this.created) return HeadersStatus.Continue;
    this.response.headers = headers;
    const status = this.headersStatus(
      this.instance.run(
        this,
        this.instance.vm.callbacks.proxy_on_response_headers,
        headers.size,
        end ? 1 : 0,
      ),
    );
    if (passesHeaders(status)) this.response.headers = undefined;
    return status;
  }

  decodeData(chunk: BodyChunk, end: boolean): DataStatus {
    return this.data(this.request, "proxy_on_request_body", chunk, end);
  }

  encodeData(chunk: BodyChunk, end: boolean): DataStatus {
    return this.data(this.response, "proxy_on_response_body", chunk, end);
  }

  private data(
    at: HttpSide,
    callback: "proxy_on_request_body" | "proxy_on_response_body",
    chunk: BodyChunk,
    end: boolean,
  ): DataStatus {
    if (!this.created) return DataStatus.Continue;
    if (!at.receive(chunk, end)) return DataStatus.StopIterationNoBuffer;
    const result = this.instance.invoke(this, callback, at.bodySize, end ? 1 : 0);
    const status = this.dataStatus(result);
    at.release(status === DataStatus.StopIterationAndBuffer);
    return status;
  }

  decodeTrailers(trailers: HeaderMap): TrailersStatus {
    return this.trailers(this.request, "proxy_on_request_trailers", trailers);
  }

  encodeTrailers(trailers: HeaderMap): TrailersStatus {
    return this.trailers(this.response, "proxy_on_response_trailers", trailers);
  }

  private trailers(
    at: HttpSide,
    callback: "proxy_on_request_trailers" | "proxy_on_response_trailers",
    trailers: HeaderMap,
  ): TrailersStatus {
    if (!this.created) return TrailersStatus.Continue;
    at.trailers = trailers;
    const result = this.instance.invoke(this, callback, trailers.size);
    const failure = this.failure();
    if (failure) return failure === "pass" ? TrailersStatus.Continue : TrailersStatus.StopIteration;
    const stop = result !== undefined && result !== 0;
    if (!stop) at.trailers = undefined;
    return stop ? TrailersStatus.StopIteration : TrailersStatus.Continue;
  }

  onLog(): void {
    this.create();
    this.logging = true;
    this.instance.run(this, this.instance.vm.callbacks.proxy_on_log);
    this.logging = false;
    this.advance(LifecycleEvent.Log);
  }

  onDestroy(): void {
    this.closed = true;
    this.instance.run(this, this.instance.vm.callbacks.proxy_on_done);
    this.advance(LifecycleEvent.Done);
    this.instance.run(this, this.instance.vm.callbacks.proxy_on_delete);
    this.advance(LifecycleEvent.Delete);
    this.instance.forget(this);
    this.root.streamGone();
  }

  // --- results

  /**
   * After a callback: what to do with a stream whose VM has failed; undefined = it has not. The hook that failed answers 503,
   * once, and stops; what comes later is the answer's own way through the filters and passes, as do failures that the
   * policy lets pass.
   */
  private failure(): "stop" | "pass" | undefined {
    if (!this.instance.failed) return undefined;
    if (this.policy.passWhenFailed || this.failureAnswered) return "pass";
    this.failureAnswered = true;
    this.callbacks.sendLocalReply({ status: 503, body: "", details: "wasm_fail_stream", grpcStatus: 14 });
    return "stop";
  }

  private headersStatus(result: number | undefined): HeadersStatus {
    const failure = this.failure();
    if (!failure) return headersStatus(result, this.policy.allowOnHeadersStopIteration);
    return failure === "pass" ? HeadersStatus.Continue : HeadersStatus.StopAllIterationAndWatermark;
  }

  private dataStatus(result: number | undefined): DataStatus {
    const failure = this.failure();
    if (!failure) return dataStatus(result);
    return failure === "pass" ? DataStatus.Continue : DataStatus.StopIterationNoBuffer;
  }

  // --- what hostcalls reach

  override readableMap(type: MapType): HeaderMap | undefined {
    const own = this.logging ? loggedMap(this.callbacks.info, type) : this.liveMap(type);
    return own ?? super.readableMap(type);
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
    if (type === BufferType.HttpRequestBody) return this.request.body();
    if (type === BufferType.HttpResponseBody) return this.response.body();
    // The VM's and call buffers belong to the root.
    return super.buffer(type);
  }

  properties(): PropertyScope {
    const { info } = this.callbacks;
    const live = {
      info,
      requestHeaders: this.request.headers,
      responseHeaders: this.response.headers,
      responseTrailers: this.response.trailers,
    };
    return { plugin: this.root.plugin, stream: this.logging ? loggedScope(info) : live };
  }

  override continueStream(type: StreamType): void {
    if (type === StreamType.HttpRequest) {
      this.request.headers = undefined;
      this.request.trailers = undefined;
      this.instance.defer(this, () => this.unlessClosed(() => this.callbacks.continueDecoding()));
    } else if (type === StreamType.HttpResponse) {
      this.instance.defer(this, () => this.unlessClosed(() => this.callbacks.continueEncoding()));
    }
  }

  override closeStream(type: StreamType): void {
    const reset = type === StreamType.HttpRequest || type === StreamType.HttpResponse;
    if (reset)
      this.instance.defer(this, () =>
        this.unlessClosed(() => this.callbacks.resetStream("wasm_close_stream")),
      );
  }

  override sendLocalResponse(response: LocalResponse): void {
    // In on_log Envoy recurses until it crashes; here the call has no effect.
    if (this.logging || this.closed || this.replied || this.broken) return;
    this.replied = true;
    this.instance.defer(this, () =>
      this.unlessClosed(() =>
        this.callbacks.sendLocalReply({ ...response, details: response.details.replace(/\s/g, "_") }),
      ),
    );
  }

  /** 500, or a reset once response headers have left; what the guest asked for does not count any more. */
  override breakStream(): void {
    if (this.broken || this.closed) return;
    this.instance.defer(this, () => {
      if (!this.closed) this.callbacks.sendLocalReply({ status: 500, body: "", details: HOST_BUG });
    });
    this.broken = true;
  }

  private unlessClosed(action: () => void): void {
    if (!this.closed && !this.broken) action();
  }

  override clearRouteCache(): void {
    this.callbacks.clearRouteCache();
  }
}

function passesHeaders(status: HeadersStatus): boolean {
  return status === HeadersStatus.Continue || status === HeadersStatus.ContinueAndDontEndStream;
}
