import { Action, HeaderMap, HeaderName, HttpFilter, StreamContext } from "proxy-wasm-toolkit/sdk";
import { Book } from "./book";
import { currentCluster } from "./facts";
import { FrameCounter } from "./frames";
import { NOT_GRPC } from "./label-set";
import { Traffic } from "./plans";
import { Reported } from "./reports";
import { MetricsRoot } from "./root";
import { Series } from "./series";
import { Workload } from "./workload";

const PEER_ID = new HeaderName("x-envoy-peer-metadata-id");
const PEER = new HeaderName("x-envoy-peer-metadata");
const CONTENT_TYPE = new HeaderName("content-type");
const AUTHORITY = new HeaderName(":authority");

/** Places in the series of an HTTP exchange, and of the messages of a gRPC call. */
const REQUESTS = 0;
const DURATION = 1;
const REQUEST_BYTES = 2;
const RESPONSE_BYTES = 3;
const REQUEST_MESSAGES = 0;
const RESPONSE_MESSAGES = 1;

const NANOS_PER_MS: i64 = 1000000;

/** Messages of one gRPC call. */
class GrpcCallMessages extends Reported {
  readonly requests: FrameCounter = new FrameCounter();
  readonly responses: FrameCounter = new FrameCounter();
  /** Whether the other end has said who it is, or will not any more. */
  isPeerKnown: bool = false;
  peer: Workload | null = null;
  private series: Series | null = null;

  constructor(
    stream: StreamContext,
    private readonly book: Book,
    private readonly authority: string,
    private readonly dynamic: string[],
  ) {
    super(stream);
  }

  report(): void {
    let series = this.series;
    if (series == null) {
      if (!this.isPeerKnown) return;
      const facts = this.book.reader.connection();
      facts.authority = this.authority;
      // How the call goes is no label of its messages.
      facts.flags = 0;
      this.series = series = this.book.stream(Traffic.Grpc, facts, this.peer, this.dynamic);
    }
    series.count(REQUEST_MESSAGES, this.requests.take());
    series.count(RESPONSE_MESSAGES, this.responses.take());
  }
}

/** Counts an HTTP exchange when it has ended. */
export class HttpMetrics extends HttpFilter {
  private peer: Workload | null = null;
  /** The client has told who it is, and wants to know who we are. */
  private isAsked: bool = false;
  private hasBegun: bool = false;
  private isGrpc: bool = false;
  private messages: GrpcCallMessages | null = null;

  private get book(): Book {
    return (this.root as MetricsRoot).book as Book;
  }

  onRequestHeaders(): Action {
    const book = this.book;
    const headers = this.request.headers;
    this.hasBegun = true;
    this.isGrpc = hasGrpcType(headers);
    if (this.isGrpc && !this.request.endOfStream) this.open(book);
    if (!book.config.peerExchange) return Action.Continue;
    if (book.config.isDestination) this.isAsked = this.listen(book, headers);
    else if (book.services.of(currentCluster()).inMesh) introduce(book, headers);
    return Action.Continue;
  }

  onRequestBody(): Action {
    const messages = this.messages;
    if (messages != null) messages.requests.add(this.request.body);
    return Action.Continue;
  }

  onResponseHeaders(): Action {
    const book = this.book;
    if (this.isAsked) introduce(book, this.response.headers);
    else if (!book.config.isDestination && book.config.peerExchange) this.listen(book, this.response.headers);
    const messages = this.messages;
    if (messages != null) {
      messages.peer = this.peer;
      messages.isPeerKnown = true;
    }
    return Action.Continue;
  }

  onResponseBody(): Action {
    const messages = this.messages;
    if (messages != null) messages.responses.add(this.response.body);
    return Action.Continue;
  }

  onLog(): void {
    const book = this.book;
    const snapshot = book.reader.snapshot();
    // A filter before this one may have answered at once.
    if (!this.hasBegun) this.isGrpc = hasGrpcType(this.request.headers);
    const grpcStatus = this.isGrpc ? this.response.grpcStatus : NOT_GRPC;
    const series = book.exchange(snapshot, this.peer, grpcStatus);
    const nanos = snapshot.duration;
    series.count(REQUESTS, 1);
    if (nanos >= 0) series.record(DURATION, nanos / NANOS_PER_MS);
    series.record(REQUEST_BYTES, snapshot.requestSize);
    series.record(RESPONSE_BYTES, snapshot.responseSize);
    this.close(book);
    const app = book.appMetrics;
    if (app == null) return;
    const code = snapshot.code;
    app.record(this.request.method, code, nanos, code >= 500 && this.response.codeDetails == "via_upstream");
  }

  private open(book: Book): void {
    const authority = book.config.readsAuthority ? this.request.headers.get<HeaderName>(AUTHORITY) : null;
    const dynamic = book.config.dynamicTags.read();
    const messages = new GrpcCallMessages(this, book, authority == null ? "" : authority, dynamic);
    messages.isPeerKnown = book.config.isDestination;
    this.messages = messages;
    book.reports.add(messages);
  }

  private close(book: Book): void {
    const messages = this.messages;
    if (messages == null) return;
    book.reports.remove(messages);
    messages.isPeerKnown = true;
    messages.report();
    this.messages = null;
  }

  /** Takes what the other end says of itself out of its headers; false when it says nothing. */
  private listen(book: Book, headers: HeaderMap): bool {
    const text = headers.get<HeaderName>(PEER);
    if (text == null) return false;
    headers.remove<HeaderName>(PEER);
    headers.remove<HeaderName>(PEER_ID);
    this.peer = book.peers.ofHeader(text);
    return true;
  }
}

function hasGrpcType(headers: HeaderMap): bool {
  const type = headers.get<HeaderName>(CONTENT_TYPE);
  return type != null && (type == "application/grpc" || type.startsWith("application/grpc+"));
}

function introduce(book: Book, headers: HeaderMap): void {
  headers.replace<HeaderName>(PEER_ID, book.introduction.id);
  headers.replace<HeaderName>(PEER, book.introduction.metadata);
}
