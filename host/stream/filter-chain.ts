import { HeaderMap } from "../stores/header-map";
import type { AccessLogger } from "./access-logger";
import { Direction, Station } from "./direction";
import type {
  FilterCallbacks,
  FilterFactory,
  HeldBody,
  LocalReply,
  StreamEnds,
  StreamFilter,
} from "./filter";
import { buildLocalReply, isGrpc } from "./local-reply";

export interface FilterChainOptions {
  /** Bytes a filter may hold of a request body before 413, of a response body before 500. */
  requestBufferLimit: number;
  responseBufferLimit: number;
  loggers?: readonly AccessLogger[];
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

/** The filters of one stream between its two ends: Envoy's filter manager. */
export class FilterChain {
  private readonly filters: StreamFilter[] = [];
  private readonly decoding: Direction;
  private readonly encoding: Direction;
  private requestClosed = false;
  private responseClosed = false;
  private responseSeen = false;
  private responseSent = false;
  private finished = false;
  private head = false;
  private grpc = false;

  constructor(
    factories: readonly FilterFactory[],
    private readonly ends: StreamEnds,
    private readonly options: FilterChainOptions,
  ) {
    this.decoding = new Direction(
      {
        headers: (map, end) => ends.forwardRequestHeaders(map, end),
        data: (chunk, end) => ends.forwardRequestData(chunk, end),
        trailers: (map) => ends.forwardRequestTrailers(map),
        overflow: () => this.sendLocalReply(PAYLOAD_TOO_LARGE),
        pause: (paused) => ends.pauseRequest(paused),
        alive: () => !this.requestClosed,
      },
      options.requestBufferLimit,
    );
    this.encoding = new Direction(
      {
        headers: (map, end) => this.toClientHeaders(map, end),
        data: (chunk, end) => ends.sendResponseData(chunk, end),
        trailers: (map) => ends.sendResponseTrailers(map),
        overflow: () => this.sendLocalReply(RESPONSE_TOO_LARGE),
        pause: (paused) => ends.pauseResponse(paused),
        alive: () => !this.responseClosed,
      },
      options.responseBufferLimit,
    );
    for (const factory of factories) this.install(factory);
  }

  private install(factory: FilterFactory): void {
    let filter: StreamFilter | undefined;
    const decoder = new Station({
      headers: (map, end) => filter!.decodeHeaders(map, end),
      data: (chunk, end) => filter!.decodeData(chunk, end),
      trailers: (map) => filter!.decodeTrailers(map),
    });
    const encoder = new Station({
      headers: (map, end) => filter!.encodeHeaders(map, end),
      data: (chunk, end) => filter!.encodeData(chunk, end),
      trailers: (map) => filter!.encodeTrailers(map),
    });
    filter = factory.create(this.callbacks(decoder, encoder));
    if (!filter) return;
    this.filters.push(filter);
    this.decoding.stations.push(decoder);
    this.encoding.stations.unshift(encoder);
  }

  private callbacks(decoder: Station, encoder: Station): FilterCallbacks {
    const { ends, decoding, encoding } = this;
    const held = (direction: Direction, station: Station, open: () => boolean): HeldBody => ({
      get length() {
        return station.kept.length;
      },
      bytes: () => station.kept.bytes(),
      append(data) {
        station.kept.append(data);
        direction.checkLimit(station);
        return open();
      },
      replace(data) {
        station.kept.replace(data);
        direction.checkLimit(station);
      },
    });
    const addTrailers = (station: Station, kind: "request-trailers" | "response-trailers") => {
      station.added ??= new HeaderMap(kind);
      return station.added;
    };
    return {
      info: ends.info,
      continueDecoding: () => decoding.continue(decoder),
      continueEncoding: () => encoding.continue(encoder),
      sendLocalReply: (reply) => this.sendLocalReply(reply),
      // What is known already says more (observed).
      resetStream: (details) => this.reset(ends.info.responseCodeDetails ?? details),
      clearRouteCache: () => ends.clearRouteCache(),
      requestBody: held(decoding, decoder, () => !this.requestClosed),
      responseBody: held(encoding, encoder, () => !this.responseClosed),
      addRequestTrailers: () => addTrailers(decoder, "request-trailers"),
      addResponseTrailers: () => addTrailers(encoder, "response-trailers"),
    };
  }

  /** Request headers from the client. */
  requestHeaders(headers: HeaderMap, end: boolean): void {
    this.grpc = isGrpc(headers);
    this.head = headers.get(":method") === "HEAD";
    if (!this.requestClosed) this.decoding.headers(headers, end);
  }

  requestData(chunk: Buffer, end: boolean): void {
    if (!this.requestClosed) this.decoding.data(chunk, end);
  }

  requestTrailers(trailers: HeaderMap): void {
    if (!this.requestClosed) this.decoding.trailers(trailers);
  }

  /** Response headers from the router. */
  responseHeaders(headers: HeaderMap, end: boolean): void {
    if (this.responseClosed) return;
    this.responseSeen = true;
    this.ends.info.responseHeaders = headers;
    this.ends.info.responseCode = statusOf(headers);
    this.encoding.headers(headers, end);
  }

  responseData(chunk: Buffer, end: boolean): void {
    if (!this.responseClosed) this.encoding.data(chunk, end);
  }

  responseTrailers(trailers: HeaderMap): void {
    if (this.responseClosed) return;
    this.ends.info.responseTrailers = trailers;
    this.encoding.trailers(trailers);
  }

  private toClientHeaders(headers: HeaderMap, end: boolean): void {
    this.responseSent = true;
    this.ends.sendResponseHeaders(headers, end);
  }

  /**
   * Answers the client in the upstream's place. Before any response: through the response filters. While the response's
   * headers are held by a filter: straight to the client. After they have left: the stream is reset.
   */
  sendLocalReply(reply: LocalReply): void {
    if (this.finished || (this.requestClosed && this.responseClosed)) return;
    const { info } = this.ends;
    this.requestClosed = true;
    if (this.responseSent) return this.reset(reply.details);
    info.responseCodeDetails = reply.details;
    info.responseFlags |= reply.flags ?? 0;
    this.ends.cancelUpstream();
    const { grpc, head } = this;
    const { headers, body } = buildLocalReply(reply, { grpc, head }, (map) =>
      this.ends.decorateLocalReply(map),
    );
    const headersOnly = this.head || body.length === 0;
    info.responseCode = statusOf(headers);
    info.responseHeaders = headers;
    if (this.responseSeen) {
      this.responseClosed = true;
      this.toClientHeaders(headers, headersOnly);
      if (!headersOnly) this.ends.sendResponseData(body, true);
      return;
    }
    this.responseSeen = true;
    this.encoding.headers(headers, headersOnly);
    if (!headersOnly && !this.responseClosed) this.encoding.data(body, true);
  }

  private reset(details: string): void {
    this.requestClosed = true;
    this.responseClosed = true;
    this.ends.info.responseCodeDetails = details;
    this.ends.resetStream(details);
  }

  /** The exchange is complete or was cut: every filter logs, then the access loggers, then every filter goes. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.requestClosed = true;
    this.responseClosed = true;
    for (const filter of this.filters) filter.onLog();
    for (const logger of this.options.loggers ?? []) logger.log(this.ends.info);
    for (const filter of this.filters) filter.onDestroy();
  }
}

function statusOf(headers: HeaderMap): number | undefined {
  const text = headers.get(":status");
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}
