import type { Need } from "../../formatter/scope";
import type { HeaderMap } from "../../stores/header-map";
import { ByteCounts, StreamTimes } from "../../stores/stream-times";
import { formatAddress, type Host } from "../clusters/cluster";
import type { PooledSocket } from "../clusters/connector";
import type { StreamFacts } from "./stream-facts";
import { countBody, countEnd, countHead, countLine, countRawHead, type Way } from "./wire-bytes";

const INTERIM = "HTTP/1.1 100 Continue\r\n\r\n".length;
const EMPTY = "content-length: 0\r\n".length;
const CHUNKED = "transfer-encoding: chunked\r\n".length;

/** One direction of one connection. */
interface Flow {
  chunked: boolean;
  http2: boolean;
}

/** A response of HTTP/1.1 that the codec gives a length of 0, or chunks. */
function saysNoLength(headers: HeaderMap, http2: boolean): boolean {
  const status = headers.get(":status");
  const bare = http2 || status === "204" || status === "304" || headers.has("content-length");
  return !bare && !headers.has("transfer-encoding");
}

/** Writes down the times and bytes of a stream. Made only where a format asks for them. */
export class StreamMeter {
  private readonly times: StreamTimes | undefined;
  private readonly attempts: boolean;
  private readonly request: Flow;
  private readonly response: Flow;
  /** The host's side. */
  private forwarded: Flow = { chunked: false, http2: false };
  private answered: Flow = { chunked: false, http2: false };
  private ready = false;
  private host: { address: string; hostname: string } | undefined;
  /** What goes to the host; it counts once there is a connection. */
  private sending: ByteCounts | undefined;

  constructor(
    private readonly info: StreamFacts,
    needs: ReadonlySet<Need>,
  ) {
    const http2 = info.protocol === "HTTP/2";
    this.request = { chunked: false, http2 };
    this.response = { chunked: false, http2 };
    if (needs.has("times")) info.times = new StreamTimes();
    if (needs.has("bytes")) {
      info.downstreamBytes = new ByteCounts();
      info.upstreamBytes = new ByteCounts();
    }
    this.times = info.times;
    this.attempts = needs.has("attempts");
    if (this.attempts) {
      info.upstream.attempted = [];
      info.upstream.connectionIds = [];
    }
  }

  private head(counts: ByteCounts | undefined, way: Way, headers: HeaderMap, flow: Flow): void {
    flow.chunked = !flow.http2 && headers.has("transfer-encoding");
    if (counts) countHead(counts, way, { headers, http2: flow.http2 });
  }

  private body(counts: ByteCounts | undefined, way: Way, length: number, { chunked, http2 }: Flow): void {
    if (!counts) return;
    countBody(counts, way, length, chunked);
    if (http2 && length > 0) counts[`wire${way}`] += 9;
  }

  private end(counts: ByteCounts | undefined, way: Way, flow: Flow, trailers?: HeaderMap): void {
    if (!counts) return;
    if (flow.chunked) countEnd(counts, way, trailers);
    else if (flow.http2 && trailers) countHead(counts, way, { headers: trailers, http2: true });
  }

  // --- the client

  /** `raw`: names and values as HTTP/1.1 has sent them; the map holds no headers of the hop. */
  requestHead(headers: HeaderMap, endStream: boolean, raw: readonly string[] | undefined): void {
    const counts = this.info.downstreamBytes;
    if (raw) this.rawHead(counts, headers, raw);
    else this.head(counts, "Received", headers, this.request);
    if (endStream) this.requestEnd();
  }

  private rawHead(counts: ByteCounts | undefined, headers: HeaderMap, raw: readonly string[]): void {
    this.request.chunked = raw.some((text, i) => i % 2 === 0 && text.toLowerCase() === "transfer-encoding");
    if (counts) countRawHead(counts, headers, raw);
  }

  requestData(length: number): void {
    this.body(this.info.downstreamBytes, "Received", length, this.request);
  }

  requestEnd(trailers?: HeaderMap): void {
    if (this.times) this.times.requestEnd = performance.now();
    this.end(this.info.downstreamBytes, "Received", this.request, trailers);
  }

  /** `100 Continue` of HTTP/1.1. */
  interim(): void {
    const { downstreamBytes: counts } = this.info;
    if (counts && !this.response.http2) counts.wireSent += INTERIM;
  }

  responseHead(headers: HeaderMap, endStream: boolean): void {
    if (this.times) this.times.responseBegin = performance.now();
    const counts = this.info.downstreamBytes;
    this.head(counts, "Sent", headers, this.response);
    if (!saysNoLength(headers, this.response.http2)) return;
    // The codec says it itself.
    this.response.chunked = !endStream && this.info.protocol !== "HTTP/1.0";
    if (counts && (endStream || this.response.chunked)) countLine(counts, endStream ? EMPTY : CHUNKED);
  }

  responseData(length: number): void {
    this.body(this.info.downstreamBytes, "Sent", length, this.response);
  }

  wholeResponse(headers: HeaderMap, length: number): void {
    this.responseHead(headers, length === 0);
    this.responseData(length);
    this.responseEnd();
  }

  responseEnd(trailers?: HeaderMap): void {
    if (this.times) this.times.responseEnd = performance.now();
    this.end(this.info.downstreamBytes, "Sent", this.response, trailers);
  }

  // --- the host

  /** One more attempt: what was measured of the one before is nothing to it. `bare`: without a body. */
  attempt({ address, port, hostname }: Host, headers: HeaderMap, http2: boolean, bare: boolean): void {
    const { times, info } = this;
    this.ready = false;
    this.forwarded = { chunked: !http2 && !bare && !headers.has("content-length"), http2 };
    this.answered = { chunked: false, http2 };
    this.host = { address: formatAddress(address, port), hostname };
    if (info.upstreamBytes) {
      // Bytes of attempts add up, of those that had a connection.
      this.sending = { ...info.upstreamBytes };
      countHead(this.sending, "Sent", { headers, http2 });
      // The codec says so itself.
      if (this.forwarded.chunked && !headers.has("transfer-encoding")) countLine(this.sending, CHUNKED);
    }
    if (!times) return;
    times.connectBegin = times.connectEnd = times.handshakeEnd = 0;
    times.upstreamSendBegin = times.upstreamSendEnd = 0;
    times.upstreamReceiveBegin = times.upstreamBodyBegin = times.upstreamReceiveEnd = 0;
  }

  /** The request is on a connection; `sent`: all of it. */
  upstreamReady(socket: PooledSocket, sent: boolean): void {
    const { times, info } = this;
    this.ready = true;
    if (this.attempts) this.tried(socket);
    if (this.sending) info.upstreamBytes = this.sending;
    if (!times) return;
    times.connectBegin = socket.connectBegin ?? 0;
    times.connectEnd = socket.connectEnd ?? 0;
    times.handshakeEnd = socket.handshakeEnd ?? 0;
    times.upstreamSendBegin = performance.now();
    if (sent) times.upstreamSendEnd = times.upstreamSendBegin;
  }

  /** Every host and connection stands there once. */
  private tried({ connectionId }: PooledSocket): void {
    const { attempted, connectionIds } = this.info.upstream;
    const { host } = this;
    if (host && !attempted!.some(({ address }) => address === host.address)) attempted!.push(host);
    if (connectionId !== undefined && !connectionIds!.includes(connectionId))
      connectionIds!.push(connectionId);
  }

  upstreamData(length: number): void {
    this.body(this.sending, "Sent", length, this.forwarded);
  }

  upstreamSent(trailers?: HeaderMap): void {
    if (this.times && this.ready) this.times.upstreamSendEnd = performance.now();
    this.end(this.sending, "Sent", this.forwarded, trailers);
  }

  upstreamHead(headers: HeaderMap): void {
    if (this.times) this.times.upstreamReceiveBegin = performance.now();
    this.head(this.info.upstreamBytes, "Received", headers, this.answered);
  }

  upstreamBody(length: number): void {
    const { times } = this;
    if (times && length > 0 && times.upstreamBodyBegin === 0) times.upstreamBodyBegin = performance.now();
    this.body(this.info.upstreamBytes, "Received", length, this.answered);
  }

  upstreamEnd(trailers?: HeaderMap): void {
    if (this.times) this.times.upstreamReceiveEnd = performance.now();
    this.end(this.info.upstreamBytes, "Received", this.answered, trailers);
  }
}
