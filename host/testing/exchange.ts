import { RESET_TEXT } from "../context/local-answer";
import { HeaderMap } from "../stores/header-map";
import { ResponseFlag } from "../stores/stream-info";
import type { FilterFactory, StreamEnds } from "../stream/filter";
import { FilterChain, type FilterChainOptions } from "../stream/filter-chain";
import { type Hook, observed } from "../stream/observed";
import { ExchangeFacts, type FactsInit } from "./exchange-facts";
import { bytesOf, type HeadersInit, HeaderView, headerPairs } from "./headers";
import { Message } from "./message";
import type { VirtualClock } from "./virtual-clock";

const EMPTY = Buffer.alloc(0);

/** One hook of one filter, as the test kit shows it. */
export type HookRecord = Hook<HeaderView>;

const view = (map: HeaderMap) => new HeaderView(map);

export type Body = string | Uint8Array | readonly (string | Uint8Array)[];

/** A whole message; `body` as an array is a chunk plan: each entry reaches the filters by itself. */
export interface RequestInit extends FactsInit {
  /** Default GET. */
  method?: string;
  /** Default `/`. */
  path?: string;
  /** Default `example.com`. */
  authority?: string;
  headers?: HeadersInit;
  /** The whole header list as it stands, pseudo-headers and all, in place of what is above. */
  rawHeaders?: HeadersInit;
  body?: Body;
  trailers?: HeadersInit;
  /** Start the request and leave it open: chunks, trailers and the end come from the test. */
  open?: boolean;
}

export interface ResponseInit {
  /** Default 200. */
  status?: number;
  headers?: HeadersInit;
  body?: Body;
  trailers?: HeadersInit;
  open?: boolean;
}

/** What an exchange does at the moment. */
export type ExchangeState = "held" | "forwarded" | "responding" | "complete" | "reset";

/** What an exchange asks of the host it runs in. */
export interface ExchangeHost {
  settle(): void;
  over(): void;
}

/** One request through the filters, and its response; the test is the client and the upstream. */
export class Exchange {
  readonly info: ExchangeFacts;
  /** What the upstream has got. */
  readonly forwarded = new Message();
  /** What the client has got. */
  readonly response = new Message();
  /** Every hook of every filter, in order. */
  readonly hooks: HookRecord[] = [];
  /** Reading from the client, or from the upstream, was stopped by a filter that holds too much. */
  requestPaused = false;
  responsePaused = false;
  /** The response was made by a filter or the proxy, not by the upstream. */
  local = false;
  private readonly chain: FilterChain;
  private wasReset = false;
  private finished = false;

  constructor(
    factories: readonly FilterFactory[],
    private readonly clock: VirtualClock,
    private readonly init: RequestInit,
    id: number,
    options: FilterChainOptions,
    private readonly host: ExchangeHost,
  ) {
    this.info = new ExchangeFacts(id, clock, init);
    this.chain = new FilterChain(
      factories.map((factory) => observed(factory, { view, begin: (hook) => this.hooks.push(hook) })),
      this.ends(),
      options,
    );
  }

  get state(): ExchangeState {
    if (this.wasReset) return "reset";
    if (this.response.complete) return "complete";
    if (this.response.headers) return "responding";
    return this.forwarded.headers ? "forwarded" : "held";
  }

  /** Response code details, Envoy's word for why the response is what it is. */
  get details(): string | undefined {
    return this.info.responseCodeDetails;
  }

  /** The client has everything, or is gone; filters have seen on_log and on_delete. */
  get over(): boolean {
    return this.finished;
  }

  // --- the client

  /** @internal Sends the request line and headers, then what `init` says. */
  start(id: string): void {
    const { body, trailers, open } = this.init;
    const map = requestHeaders(this.init, id);
    this.info.requestHeaders = map;
    const chunks = chunksOf(body);
    this.chain.requestHeaders(map, chunks.length === 0 && trailers === undefined && !open);
    this.host.settle();
    for (const [i, chunk] of chunks.entries()) {
      const last = i === chunks.length - 1 && trailers === undefined && !open;
      this.sendBody(chunk, { end: last });
    }
    if (trailers) this.sendTrailers(trailers);
  }

  /** Sends a chunk of the request's body; `end` = it is the last. */
  sendBody(chunk: string | Uint8Array, { end = false } = {}): void {
    const data = bytesOf(chunk);
    this.info.bytesReceived += data.length;
    this.deliver(data, end, (piece, last) => this.chain.requestData(piece, last));
  }

  sendTrailers(trailers: HeadersInit): void {
    this.chain.requestTrailers(HeaderMap.of("request-trailers", headerPairs(trailers)));
    this.host.settle();
  }

  /** The client goes away before it has its response. */
  disconnect(): void {
    this.info.responseFlags |= ResponseFlag.DownstreamConnectionTermination;
    this.info.responseCodeDetails ??= "downstream_remote_disconnect";
    this.wasReset = true;
    this.finish();
    this.host.settle();
  }

  // --- the upstream

  /** Answers the request as a whole, or starts to when `open`. */
  respond({ status = 200, headers, body, trailers, open = false }: ResponseInit = {}): void {
    if (!this.forwarded.headers || this.response.headers)
      throw new Error(`${this}: there is no request at the upstream to respond to`);
    const map = HeaderMap.of("response", [[":status", String(status)], ...headerPairs(headers)]);
    Object.assign(this.info.upstream, this.init.upstream);
    const chunks = chunksOf(body);
    const last = chunks.length === 0 && trailers === undefined && !open;
    this.upstreamSends(last);
    this.chain.responseHeaders(map, last);
    this.host.settle();
    for (const [i, chunk] of chunks.entries())
      this.respondBody(chunk, { end: i === chunks.length - 1 && trailers === undefined && !open });
    if (trailers) this.respondTrailers(trailers);
  }

  /** Sends a chunk of the response's body; `end` = it is the last. */
  respondBody(chunk: string | Uint8Array, { end = false } = {}): void {
    this.deliver(bytesOf(chunk), end, (piece, last) => {
      this.upstreamSends(last);
      this.chain.responseData(piece, last);
    });
  }

  respondTrailers(trailers: HeadersInit): void {
    this.upstreamSends(true);
    this.chain.responseTrailers(HeaderMap.of("response-trailers", headerPairs(trailers)));
    this.host.settle();
  }

  private upstreamSends(last: boolean): void {
    if (last) this.info.upstreamResponseEnd = this.clock.monotonic();
  }

  /** The upstream's connection ends: 503 before a response, else the response is cut. */
  failUpstream(reason = "connection termination"): void {
    if (this.response.headers) this.reset(`upstream_reset_after_response_started{${reason}}`);
    else
      this.chain.sendLocalReply({
        status: 503,
        body: RESET_TEXT + reason,
        details: `upstream_reset_before_response_started{${reason.replaceAll(" ", "_")}}`,
        flags: ResponseFlag.UpstreamConnectionTermination,
      });
    this.host.settle();
  }

  /** HTTP/1.1 ends a body by a chunk of its own; HTTP/2 by the last one. */
  private deliver(data: Buffer, end: boolean, send: (data: Buffer, end: boolean) => void): void {
    const separate = this.info.protocol === "HTTP/1.1" && end && data.length > 0;
    send(data, end && !separate);
    this.host.settle();
    if (separate) send(EMPTY, true);
    this.host.settle();
  }

  /** Once: every filter logs, then goes. */
  private finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.info.endMonotonic = this.clock.monotonic();
    this.chain.finish();
    this.host.over();
  }

  /** Not inside the callback that may have brought us here. */
  private finishSoon(): void {
    this.clock.soon(() => this.finish());
  }

  toString(): string {
    const headers = this.info.requestHeaders;
    return `request ${headers?.get(":method") ?? ""} ${headers?.get(":path") ?? ""} (${this.state})`;
  }

  /** What comes out of the chain. */
  private ends(): StreamEnds {
    const { info, forwarded, response } = this;
    return {
      info,
      forwardRequestHeaders: (headers, end) => {
        forwarded.takeHeaders(headers, end);
        info.upstream.attempts = 1;
        info.upstreamRequestStart = this.clock.monotonic();
      },
      forwardRequestData: (chunk, end) => forwarded.takeData(chunk, end),
      forwardRequestTrailers: (trailers) => forwarded.takeTrailers(trailers),
      sendResponseHeaders: (headers, end) => {
        response.takeHeaders(headers, end);
        if (end) this.finishSoon();
      },
      sendResponseData: (chunk, end) => {
        info.bytesSent += chunk.length;
        response.takeData(chunk, end);
        if (end) this.finishSoon();
      },
      sendResponseTrailers: (trailers) => {
        response.takeTrailers(trailers);
        this.finishSoon();
      },
      decorateLocalReply: () => {
        this.local = true;
      },
      cancelUpstream() {},
      resetStream: (details) => this.reset(details),
      clearRouteCache() {},
      pauseRequest: (paused) => {
        this.requestPaused = paused;
      },
      pauseResponse: (paused) => {
        this.responsePaused = paused;
      },
    };
  }

  private reset(details: string): void {
    this.info.responseCodeDetails ??= details;
    this.wasReset = true;
    this.finishSoon();
  }
}

function chunksOf(body: Body | undefined): readonly (string | Uint8Array)[] {
  if (body === undefined) return [];
  return typeof body === "string" || body instanceof Uint8Array ? [body] : body;
}

/** A request's headers as the filters of a proxy see them. */
function requestHeaders(init: RequestInit, id: string): HeaderMap {
  const { method = "GET", path = "/", authority = "example.com", headers, rawHeaders } = init;
  if (rawHeaders) return HeaderMap.of("request", headerPairs(rawHeaders));
  const map = HeaderMap.of("request", [
    [":authority", authority],
    [":path", path],
    [":method", method],
    [":scheme", "http"],
    ...headerPairs(headers),
  ]);
  if (!map.has("x-forwarded-proto")) map.append("x-forwarded-proto", "http");
  if (!map.has("x-request-id")) map.append("x-request-id", id);
  return map;
}
