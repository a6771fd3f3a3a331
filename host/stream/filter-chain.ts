import type { HeaderMap } from "../stores/header-map";
import type { AccessLogger } from "./access-logger";
import { Direction, type DirectionEnd } from "./direction";
import type { FilterFactory, LocalReply, StreamEnds, StreamFilter } from "./filter";
import { buildLocalReply, isGrpc } from "./local-reply";
import { type ChainControl, Place } from "./place";

export interface FilterChainOptions {
  /** Bytes a filter may hold of a request body before 413, of a response body before 500. */
  requestBufferLimit: number;
  responseBufferLimit: number;
  loggers?: readonly AccessLogger[];
  /** Hears of what was thrown while the chain ran; the stream ends. Absent: it is thrown on. */
  onBug?: (error: unknown) => void;
}

const PAYLOAD_TOO_LARGE: LocalReply = {
  status: 413,
  body: "Payload Too Large",
  details: "request_payload_too_large",
};
const RESPONSE_TOO_LARGE: LocalReply = {
  status: 500,
  body: "Internal Server Error",
  details: "response_payload_too_large",
};

/** The router's end of a chain. */
class RequestEnd implements DirectionEnd {
  constructor(
    private readonly chain: FilterChain,
    private readonly ends: StreamEnds,
  ) {}
  headers(map: HeaderMap, end: boolean): void {
    this.ends.forwardRequestHeaders(map, end);
  }
  data(chunk: Buffer, end: boolean): void {
    this.ends.forwardRequestData(chunk, end);
  }
  trailers(map: HeaderMap): void {
    this.ends.forwardRequestTrailers(map);
  }
  overflow(): void {
    this.chain.sendLocalReply(PAYLOAD_TOO_LARGE);
  }
  pause(paused: boolean): void {
    this.ends.pauseRequest(paused);
  }
}

/** The client's end of a chain. */
class ResponseEnd implements DirectionEnd {
  /** Response headers have left. */
  begun = false;
  constructor(
    private readonly chain: FilterChain,
    private readonly ends: StreamEnds,
  ) {}
  headers(map: HeaderMap, end: boolean): void {
    this.begun = true;
    this.ends.sendResponseHeaders(map, end);
  }
  data(chunk: Buffer, end: boolean): void {
    this.ends.sendResponseData(chunk, end);
  }
  trailers(map: HeaderMap): void {
    this.ends.sendResponseTrailers(map);
  }
  overflow(): void {
    this.chain.sendLocalReply(RESPONSE_TOO_LARGE);
  }
  pause(paused: boolean): void {
    this.ends.pauseResponse(paused);
  }
}

/** The filters of one stream between its two ends: Envoy's filter manager. */
export class FilterChain implements ChainControl {
  private readonly filters: StreamFilter[] = [];
  private readonly decoding: Direction;
  private readonly encoding: Direction;
  private readonly client: ResponseEnd;
  private responseSeen = false;
  private finished = false;
  /** A defect of this host has shown itself in this stream. */
  private answeringBug = false;
  private head = false;
  private grpc = false;

  constructor(
    factories: readonly FilterFactory[],
    private readonly ends: StreamEnds,
    private readonly options: FilterChainOptions,
  ) {
    this.client = new ResponseEnd(this, ends);
    this.decoding = new Direction(new RequestEnd(this, ends), options.requestBufferLimit);
    this.encoding = new Direction(this.client, options.responseBufferLimit);
    for (const factory of factories) this.install(factory);
  }

  private install(factory: FilterFactory): void {
    const place = new Place(this, this.ends, this.decoding, this.encoding);
    const filter = factory.create(place);
    if (!filter) return;
    place.take(filter);
    this.filters.push(filter);
    this.decoding.stations.push(place.requestBody);
    this.encoding.stations.unshift(place.responseBody);
  }

  /** Request headers from the client. */
  requestHeaders(headers: HeaderMap, end: boolean): void {
    this.grpc = isGrpc(headers);
    this.head = headers.get(":method") === "HEAD";
    try {
      if (this.decoding.open) this.decoding.headers(headers, end);
    } catch (error) {
      this.broken(error);
    }
  }

  requestData(chunk: Buffer, end: boolean): void {
    try {
      if (this.decoding.open) this.decoding.data(chunk, end);
    } catch (error) {
      this.broken(error);
    }
  }

  requestTrailers(trailers: HeaderMap): void {
    try {
      if (this.decoding.open) this.decoding.trailers(trailers);
    } catch (error) {
      this.broken(error);
    }
  }

  /** Response headers from the router. */
  responseHeaders(headers: HeaderMap, end: boolean): void {
    if (!this.encoding.open) return;
    this.responseSeen = true;
    this.ends.info.responseHeaders = headers;
    this.ends.info.responseCode = statusOf(headers);
    try {
      this.encoding.headers(headers, end);
    } catch (error) {
      this.broken(error);
    }
  }

  responseData(chunk: Buffer, end: boolean): void {
    try {
      if (this.encoding.open) this.encoding.data(chunk, end);
    } catch (error) {
      this.broken(error);
    }
  }

  responseTrailers(trailers: HeaderMap): void {
    if (!this.encoding.open) return;
    this.ends.info.responseTrailers = trailers;
    try {
      this.encoding.trailers(trailers);
    } catch (error) {
      this.broken(error);
    }
  }

  /**
   * Answers the client in the upstream's place. Before any response: through the response filters. While the response's
   * headers are held by a filter: straight to the client. After they have left: the stream is reset.
   */
  sendLocalReply(reply: LocalReply): void {
    try {
      this.answer(reply);
    } catch (error) {
      this.broken(error);
    }
  }

  /** A filter's own answer, from which nothing is missing. */
  answerHeaders(headers: HeaderMap, details: string): void {
    if (!this.decoding.open) return;
    this.decoding.open = false;
    this.ends.info.responseCodeDetails = details;
    this.responseHeaders(headers, true);
  }

  private answer(reply: LocalReply): void {
    if (this.finished || (!this.decoding.open && !this.encoding.open)) return;
    const { info } = this.ends;
    this.decoding.open = false;
    if (this.client.begun) return this.reset(reply.details);
    info.responseCodeDetails = reply.details;
    info.responseFlags |= reply.flags ?? 0;
    this.ends.cancelUpstream();
    const { grpc, head } = this;
    const { ends } = this;
    const { headers, body } = buildLocalReply(
      reply,
      { grpc, head },
      (map) => ends.decorateLocalReply(map),
      ends.rewriteLocalReply && ((...made) => ends.rewriteLocalReply!(...made)),
    );
    const headersOnly = this.head || body.length === 0;
    info.responseCode = statusOf(headers);
    info.responseHeaders = headers;
    if (this.responseSeen) {
      this.encoding.open = false;
      this.client.headers(headers, headersOnly);
      if (!headersOnly) this.ends.sendResponseData(body, true);
      return;
    }
    this.responseSeen = true;
    this.encoding.headers(headers, headersOnly);
    if (!headersOnly && this.encoding.open) this.encoding.data(body, true);
  }

  /** Cuts the stream. */
  reset(details: string): void {
    this.decoding.open = false;
    this.encoding.open = false;
    this.ends.info.responseCodeDetails = details;
    this.ends.resetStream(details);
  }

  /** The exchange is complete or was cut: every filter logs, then the access loggers, then every filter goes. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.decoding.open = false;
    this.encoding.open = false;
    const { filters, options } = this;
    for (const filter of filters) this.last(filter, "onLog");
    for (const logger of options.loggers ?? []) this.access(logger);
    for (const filter of filters) this.last(filter, "onDestroy");
  }

  /** An entry before the end. `type`: what for, by Envoy's name. */
  logNow(type: string): void {
    if (this.finished) return;
    for (const logger of this.options.loggers ?? []) this.access(logger, type);
  }

  private last(filter: StreamFilter, hook: "onLog" | "onDestroy"): void {
    try {
      filter[hook]();
    } catch (error) {
      this.broken(error);
    }
  }

  private access(logger: AccessLogger, type?: string): void {
    try {
      logger.log(this.ends.info, type);
    } catch (error) {
      this.broken(error);
    }
  }

  /**
   * A defect of this host, in the chain or at its ends, ends the stream at hand and no other: 500, or a reset once there is
   * an answer. When what makes that answer is the defect, the stream is cut.
   */
  broken(error: unknown): void {
    const { onBug } = this.options;
    if (!onBug) throw error;
    onBug(error);
    if (this.finished) return;
    if (!this.answeringBug) {
      this.answeringBug = true;
      this.sendLocalReply({ status: 500, body: "", details: "host_bug" });
    } else if (this.decoding.open || this.encoding.open) this.cut();
  }

  private cut(): void {
    try {
      this.reset("host_bug");
    } catch (error) {
      this.options.onBug?.(error);
    }
  }
}

function statusOf(headers: HeaderMap): number | undefined {
  const text = headers.get(":status");
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}
