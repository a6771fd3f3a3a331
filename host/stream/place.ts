import { HeaderMap } from "../stores/header-map";
import type { StreamInfo } from "../stores/stream-info";
import { type Direction, Station } from "./direction";
import type {
  BodyChunk,
  DataStatus,
  FilterCallbacks,
  HeadersStatus,
  LocalReply,
  StreamEnds,
  StreamFilter,
  TrailersStatus,
} from "./filter";

/** What a filter asks of its chain as a whole. */
export interface ChainControl {
  sendLocalReply(reply: LocalReply): void;
  answerHeaders(headers: HeaderMap, details: string): void;
  reset(details: string): void;
}

class Decoding extends Station {
  filter!: StreamFilter;
  onHeaders(map: HeaderMap, end: boolean): HeadersStatus {
    return this.filter.decodeHeaders(map, end);
  }
  onData(chunk: BodyChunk, end: boolean): DataStatus {
    return this.filter.decodeData(chunk, end);
  }
  onTrailers(map: HeaderMap): TrailersStatus {
    return this.filter.decodeTrailers(map);
  }
}

class Encoding extends Station {
  filter!: StreamFilter;
  onHeaders(map: HeaderMap, end: boolean): HeadersStatus {
    return this.filter.encodeHeaders(map, end);
  }
  onData(chunk: BodyChunk, end: boolean): DataStatus {
    return this.filter.encodeData(chunk, end);
  }
  onTrailers(map: HeaderMap): TrailersStatus {
    return this.filter.encodeTrailers(map);
  }
}

/** One filter's place in a chain: its stations in both directions, and what the chain offers to it. */
export class Place implements FilterCallbacks {
  readonly requestBody: Decoding;
  readonly responseBody: Encoding;

  constructor(
    private readonly chain: ChainControl,
    private readonly ends: StreamEnds,
    decoding: Direction,
    encoding: Direction,
  ) {
    this.requestBody = new Decoding(decoding);
    this.responseBody = new Encoding(encoding);
  }

  take(filter: StreamFilter): void {
    this.requestBody.filter = filter;
    this.responseBody.filter = filter;
  }

  get info(): StreamInfo {
    return this.ends.info;
  }
  continueDecoding(): void {
    this.requestBody.continue();
  }
  continueEncoding(): void {
    this.responseBody.continue();
  }
  sendLocalReply(reply: LocalReply): void {
    this.chain.sendLocalReply(reply);
  }
  answer(headers: HeaderMap, details: string): void {
    this.chain.answerHeaders(headers, details);
  }
  resetStream(details: string): void {
    // What is known already says more (observed).
    this.chain.reset(this.ends.info.responseCodeDetails ?? details);
  }
  clearRouteCache(): void {
    this.ends.clearRouteCache();
  }
  addRequestTrailers(): HeaderMap {
    this.requestBody.added ??= new HeaderMap("request-trailers");
    return this.requestBody.added;
  }
  addResponseTrailers(): HeaderMap {
    this.responseBody.added ??= new HeaderMap("response-trailers");
    return this.responseBody.added;
  }
}
