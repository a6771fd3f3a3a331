import { contained } from "../../contain";
import type { Fault, RawFields } from "../../http1/message-reader";
import { MessageWriter } from "../../http1/message-writer";
import { type RequestEvents, RequestReader, type RequestStart } from "../../http1/request-reader";
import type { ActiveStream } from "../active-stream";
import type { CodecConnection } from "../codec";
import type { DownstreamConnection } from "../connection";
import type { ConnectionManager } from "../connection-manager";
import { closeAfterFlush } from "./delayed-close";
import { HeadTimer } from "./head-timer";
import type { Http1Codec } from "./http1-codec";
import type { Http1Stream } from "./http1-stream";

/** Bytes behind a request that may wait for its answer before reading stops. Below that a client that leaves is noticed at once. */
const MAX_WAITING = 64 * 1024;

/** A connection that speaks HTTP/1: its requests, pipelined or not, are read and served one after the other. */
export class Http1Connection implements CodecConnection, RequestEvents {
  readonly writer: MessageWriter;
  /** The stream being served. */
  stream: ActiveStream | undefined;
  /** No further request is served: said so by either side, or the proxy drains. */
  closing = false;
  readonly saysClose = true;
  /** Requests so far. */
  served = 0;
  /** Milliseconds that the newest request's head took to come. */
  headMs = 0;
  private headTimer: HeadTimer | undefined;
  private readonly reader: RequestReader;
  /** The wire's side of the request that was read last, until it is answered. */
  private current: Http1Stream | undefined;
  /** What has come behind it. */
  private rest: Buffer | undefined;
  private reading = false;
  private paused = false;
  private bodyPaused = false;
  /** Nothing that comes is read. */
  private deaf = false;

  constructor(
    readonly codec: Http1Codec,
    readonly manager: ConnectionManager,
    readonly base: DownstreamConnection,
  ) {
    this.writer = new MessageWriter(base.socket);
    const { limits, chunkedLength } = manager.config.codec;
    this.reader = new RequestReader(this, limits.bytes, chunkedLength);
  }

  /** Listens to the socket. */
  start(): void {
    const { socket } = this.base;
    const guarded = <A extends unknown[]>(run: (...args: A) => void) =>
      contained(run, (error) => this.onBug(error));
    socket.on(
      "data",
      guarded((bytes: Buffer) => this.onData(bytes)),
    );
    socket.on(
      "drain",
      guarded(() => this.onDrain()),
    );
    socket.once(
      "end",
      guarded(() => this.onEnd()),
    );
    socket.once(
      "close",
      guarded(() => {
        this.manager.stats.downstream_cx_http1_active.add(-1);
        this.deaf = true;
        this.stream?.onGone();
      }),
    );
  }

  /** A defect of this host ends the stream that is being served, or the connection if there is none. */
  private onBug(error: unknown): void {
    if (this.stream) this.stream.onBug(error);
    else {
      this.manager.onBug(error);
      this.base.socket.destroy();
    }
  }

  // --- reading

  private onData(bytes: Buffer): void {
    const { rest } = this;
    this.rest = undefined;
    this.read(rest ? Buffer.concat([rest, bytes]) : bytes);
  }

  /** Reads up to the end of one request; what is behind it waits until it is answered. */
  private read(bytes: Buffer): void {
    let at = 0;
    this.reading = true;
    try {
      while (at < bytes.length && !this.deaf && !this.current?.complete) at = this.reader.read(bytes, at);
    } finally {
      this.reading = false;
    }
    if (this.deaf) return;
    if (!this.current && !this.reader.between) this.watchHead();
    if (at >= bytes.length) return;
    this.rest = at === 0 ? bytes : bytes.subarray(at);
    if (this.rest.length > MAX_WAITING) this.setPaused();
  }

  /** Goes on with what has come behind the request that was answered. */
  private readRest(): void {
    const { rest } = this;
    this.rest = undefined;
    this.setPaused();
    if (rest) this.read(rest);
  }

  /** Holds a request's body back. */
  pauseBody(paused: boolean): void {
    this.bodyPaused = paused;
    this.setPaused();
  }

  private setPaused(): void {
    const paused = this.bodyPaused || (this.rest?.length ?? 0) > MAX_WAITING;
    if (paused === this.paused) return;
    this.paused = paused;
    if (paused) this.base.socket.pause();
    else this.base.socket.resume();
  }

  /** A head has come in part. */
  private watchHead(): void {
    this.headTimer ??= new HeadTimer(this, (late) => this.codec.refuseLate(this, late));
    this.headTimer.begin();
  }

  onRequestHead(start: RequestStart): boolean {
    if (this.headTimer) this.headMs = this.headTimer.complete();
    this.current = this.codec.serveRequest(this, start);
    return this.current?.tunnel ?? false;
  }

  onRequestBody(bytes: Buffer): void {
    this.current?.onBody(bytes);
  }

  onRequestEnd(trailers: RawFields | undefined): void {
    this.current?.onEnd(trailers);
    this.settle();
  }

  /** Bytes that are no HTTP: what came before them has been answered, now they are, and that is the end. */
  onRequestFault(fault: Fault): void {
    this.manager.stats.downstream_cx_protocol_error.inc();
    this.codec.refuse(this, fault);
  }

  /** Half a request is none, and half a connection is of no use to Envoy. */
  private onEnd(): void {
    this.deaf = true;
    this.stream?.onGone();
    this.base.socket.destroySoon();
  }

  private onDrain(): void {
    this.current?.onDrain();
    this.settle();
  }

  // --- the end of a request, and of the connection

  /** The next request has its turn once this one was read and answered, and the client takes answers. */
  private settle(): void {
    const { current, base } = this;
    if (!current?.complete || !current.answered || this.stream || base.socket.writableNeedDrain) return;
    this.current = undefined;
    // A request that was sent to a host again may have been held back to the end.
    this.bodyPaused = false;
    if (this.closing) this.deaf = true;
    else if (!this.reading && this.rest) this.readRest();
    else this.setPaused();
  }

  /** The last byte of a response has been written. `early`: its request is still arriving. */
  responseEnded(early: boolean): void {
    if (!this.closing) return;
    if (early) this.close();
    else {
      this.deaf = true;
      this.base.socket.destroySoon();
    }
  }

  /** Responses to come say `connection: close`, see Http1Stream. */
  drain(): void {
    if (this.base.active === 0) this.close();
  }

  retire(): void {
    if (this.base.active === 0) this.close();
    else this.closing = true;
  }

  /** Once all is written, and the client has had time to read it. */
  close(): void {
    const { timeouts, stats } = this.manager;
    this.deaf = true;
    // A head under way is too late no more: the last answer is given.
    this.headTimer?.complete();
    this.writer.flush();
    closeAfterFlush(this.base.socket, timeouts.delayedCloseMs, stats.downstream_cx_delayed_close_timeout);
  }

  streamFinished(last: boolean): void {
    if (!last) return;
    this.stream = undefined;
    if (this.manager.draining || (this.closing && this.base.retiring)) this.drain();
    this.settle();
  }
}
