import { ClientRequest, type IncomingMessage, type InformationEvent } from "node:http";
import type { Socket } from "node:net";
import { HeaderMap } from "../../stores/header-map";
import { contained, type OnBug } from "../contain";
import { flushHead } from "../flush-head";
import { ReadGatherer } from "../read-gatherer";
import { SwitchedSocket } from "../tunnel/switched-socket";
import { CONNECT } from "../tunnel/upgrade-headers";
import type { Cluster, Host } from "./cluster";
import type { PooledSocket } from "./connector";
import { RequestCount } from "./request-count";
import { checkSendable, wireHeaders } from "./request-writer";
import { isWellFormed, mayPrecede, ProtocolError, responseHeaders } from "./response-reader";
import { failureText, type ResetReason, type UpstreamEvents, type UpstreamStream } from "./upstream-events";

const EMPTY = Buffer.alloc(0);

/** As much as Envoy's client codec takes. */
const MAX_HEADER_BYTES = 80 * 1024;

/** The part of node:http that writes a raw header list as it is; there is no public way to keep order and duplicates. */
interface HeaderWriter {
  _storeHeader(firstLine: string, headers: readonly string[]): void;
}

/** One HTTP/1.1 request to one host of a cluster, and its response. */
export class UpstreamRequest implements UpstreamStream {
  private readonly request: ClientRequest;
  private response: IncomingMessage | undefined;
  private body: ReadGatherer | undefined;
  private socket: PooledSocket | undefined;
  private over = false;
  private readonly onBug: OnBug;
  private readonly count: RequestCount;
  private requestEnded = false;
  /** There was no free connection when it came. */
  private readonly waited: boolean;
  /** Bytes that the content-length promises and that were not written yet; NaN without one. */
  private unsent = Number.NaN;
  private hasBody = true;
  private informed = false;
  /** Bytes of the connection that belong to what came before the response. */
  private readBefore = 0;
  /** The connection, once it has left HTTP. */
  private switched: SwitchedSocket | undefined;

  /** Throws UnsendableError when the headers cannot go on the wire: a filter's doing. */
  constructor(
    private readonly cluster: Cluster,
    readonly host: Host,
    headers: HeaderMap,
    endStream: boolean,
    private readonly events: UpstreamEvents,
    /** What it asks for beside HTTP. */
    private readonly tunnel?: string,
  ) {
    checkSendable(headers, "http1");
    const method = headers.get(":method")!;
    const path = (tunnel === CONNECT ? headers.get(":authority") : headers.get(":path"))!;
    this.waited = !host.hasRoom;
    const request = new ClientRequest({
      agent: host.pool,
      // To node:http any answer to a CONNECT is the end of HTTP; a refusal is a response like others.
      method: tunnel === CONNECT ? "GET" : method,
      path,
      setHost: false,
      host: host.address,
      port: host.port,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    this.request = request;
    const onBug: OnBug = (error) => events.onUpstreamBug(error);
    this.onBug = onBug;
    request.on(
      "error",
      contained((error) => this.reset(error), onBug),
    );
    // Said by hand below or not at all: Envoy writes neither `connection: keep-alive` nor capitals.
    request.removeHeader("connection");
    (request as unknown as HeaderWriter)._storeHeader(
      `${method} ${path} HTTP/1.1\r\n`,
      // What follows has no framing.
      tunnel === undefined ? wireHeaders(headers, endStream, method) : wireHeaders(headers, true, "GET"),
    );
    request.once(
      "socket",
      contained((socket) => this.attach(socket), onBug),
    );
    request.once(
      "response",
      contained((response) => this.onResponse(response, method), onBug),
    );
    request.on(
      "information",
      contained((info) => this.onInformation(info), onBug),
    );
    request.once(
      "upgrade",
      contained((response, socket, rest) => {
        if (tunnel !== undefined && tunnel !== CONNECT) return this.onSwitched(response, socket, rest);
        socket.destroy();
        this.reset(new ProtocolError("upgrade nobody asked for"));
      }, onBug),
    );
    const length = headers.get("content-length");
    if (length !== undefined) this.unsent = Number(length);
    this.count = new RequestCount(cluster, host);
    if (this.waited) this.count.waits();
    if (endStream) this.end();
    else setImmediate(flushHead, request);
  }

  private attach(socket: PooledSocket): void {
    if (this.over) return;
    this.socket = socket;
    if (socket.established) this.ready(socket);
    else {
      socket.once(
        "established",
        contained(() => this.ready(socket), this.onBug),
      );
    }
  }

  private ready(socket: PooledSocket): void {
    if (this.over) return;
    if (this.waited && this.cluster.isFull()) return this.overflow();
    socket.busy = true;
    this.readBefore = socket.bytesRead;
    this.count.starts(socket);
    this.events.onUpstreamReady(socket);
  }

  /** Swallowed, as Envoy does by default; it counts the first one. */
  private onInformation({ statusCode, rawHeaders }: InformationEvent): void {
    if (this.over) return;
    if (!mayPrecede(rawHeaders)) return this.reset(new ProtocolError("body of an informational response"));
    if (!this.informed) this.events.onUpstreamInformation(statusCode);
    this.informed = true;
    this.readBefore = this.socket?.bytesRead ?? 0;
  }

  /** A connection is there, but by now too many others are under way. */
  private overflow(): void {
    this.settle();
    this.request.destroy();
    this.events.onUpstreamReset("overflow", "");
  }

  /** False asks the caller to wait for `onUpstreamDrain`. */
  write(chunk: Buffer): boolean {
    if (this.over || chunk.length === 0) return true;
    if (this.switched) return this.switched.write(chunk);
    this.unsent -= chunk.length;
    const flowing = this.request.write(chunk);
    if (!flowing)
      this.request.once(
        "drain",
        contained(() => !this.over && this.events.onUpstreamDrain(), this.onBug),
      );
    return flowing;
  }

  end(trailers?: HeaderMap): void {
    // There is no half of a tunnel (as in Envoy).
    if (this.over || this.requestEnded || this.tunnel !== undefined) return;
    this.requestEnded = true;
    if (trailers && this.cluster.config.enableTrailers) this.request.addTrailers([...trailers]);
    this.request.end();
  }

  pause(paused: boolean): void {
    if (this.switched) this.switched.pause(paused);
    else if (paused) this.response?.pause();
    else this.response?.resume();
  }

  /** The host speaks the other protocol from here on. The first delivery is what came with its word, be it nothing (as in Envoy). */
  private onSwitched(response: IncomingMessage, socket: Socket, rest: Buffer): void {
    if (this.over) return void socket.destroy();
    const headers = responseHeaders(response, this.socket);
    if (!isWellFormed(response, headers)) {
      socket.destroy();
      return this.reset(new ProtocolError("response head refused"));
    }
    for (const name of ["content-length", "transfer-encoding"]) headers.remove(name);
    const { events, onBug } = this;
    this.switched = new SwitchedSocket(socket, {
      onData: (chunk) => events.onUpstreamData(chunk, false),
      onDrain: () => events.onUpstreamDrain(),
      onEnded: () => this.onTunnelEnded(),
      onBug,
    });
    events.onUpstreamHeaders(headers, false);
    if (!this.over) events.onUpstreamData(rest, false);
  }

  /** Only the client may end a tunnel in order. */
  private onTunnelEnded(): void {
    if (this.over) return;
    this.events.onUpstreamData(EMPTY, false);
    if (this.over) return;
    this.settle();
    this.events.onUpstreamReset("connection termination", "");
  }

  private onResponse(response: IncomingMessage, method: string): void {
    if (this.over) return void response.resume();
    this.response = response;
    const headers = responseHeaders(response, this.socket);
    const status = response.statusCode!;
    const { onBug } = this;
    response.on(
      "error",
      contained((error) => this.reset(error), onBug),
    );
    if (!isWellFormed(response, headers)) {
      this.reset(new ProtocolError("response head refused"));
      return;
    }
    const length = headers.get("content-length");
    const chunked = headers.has("transfer-encoding");
    this.hasBody = !(
      method === "HEAD" ||
      status === 204 ||
      status === 304 ||
      (!chunked && length !== undefined && Number(length) === 0)
    );
    response.on(
      "close",
      contained(() => this.reset(undefined), onBug),
    );
    if (this.hasBody) {
      const body = new ReadGatherer((data) => !this.over && this.events.onUpstreamData(data, false), onBug);
      this.body = body;
      response.on("data", (chunk: Buffer) => body.add(chunk));
      response.on(
        "end",
        contained(() => this.onEnd(response), onBug),
      );
      this.events.onUpstreamHeaders(headers, false);
    } else {
      this.finish();
      response.resume();
      this.events.onUpstreamHeaders(headers, true);
    }
  }

  private onEnd(response: IncomingMessage): void {
    this.body?.flush();
    if (this.over) return;
    if (this.tunnel === CONNECT && response.statusCode! < 300) {
      this.request.destroy();
      return this.onTunnelEnded();
    }
    this.finish();
    const raw = response.rawTrailers;
    if (raw.length > 0 && this.cluster.config.enableTrailers) {
      const trailers = new HeaderMap("response-trailers");
      for (let i = 0; i < raw.length; i += 2) trailers.add(raw[i]!.toLowerCase(), raw[i + 1]!);
      this.events.onUpstreamTrailers(trailers);
    } else this.events.onUpstreamData(EMPTY, true);
  }

  /**
   * The response is complete. A request still being sent cannot share the connection with a next one, nor can a body
   * that a filter made longer than its content-length: the host takes the rest for a request.
   */
  private finish(): void {
    if (this.socket) this.socket.busy = false;
    this.settle();
    if (!this.requestEnded) this.request.destroy();
    else if (this.misframed) this.socket?.destroy();
  }

  private get misframed(): boolean {
    return this.unsent < 0 || this.unsent > 0;
  }

  private settle(): void {
    this.over = true;
    this.count.ends();
  }

  private reset(error: Error | undefined): void {
    // Trouble behind a complete response is the connection's own; the response still ends in order.
    if (this.over || (error && this.response?.complete)) return;
    const wasPending = this.count.pending;
    const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
    // What came before the end of the connection still counts, unless it is broken itself.
    if (!code.startsWith("HPE_")) this.body?.flush();
    if (this.over) return;
    let reason: ResetReason = "connection termination";
    if (code === "CONNECT_TIMEOUT") reason = "connection timeout";
    else if (wasPending) reason = "remote connection failure";
    else if (code.startsWith("HPE_") || this.response || (code === "ECONNRESET" && this.hasHalfAHead)) {
      // A message cut short is a broken message, no broken connection.
      reason = "protocol error";
      this.cluster.stats.upstream_cx_protocol_error.inc();
    }
    if (wasPending) this.cluster.stats.upstream_rq_pending_failure_eject.inc();
    this.settle();
    this.request.destroy();
    this.events.onUpstreamReset(reason, failureText(error));
  }

  /** Something of a response has come. */
  private get hasHalfAHead(): boolean {
    return this.socket !== undefined && this.socket.bytesRead > this.readBefore;
  }

  /** Drops the exchange; its connection is closed. No event follows. */
  cancel(): void {
    if (this.over) return;
    if (this.count.pending) this.cluster.stats.upstream_rq_cancelled.inc();
    this.settle();
    this.request.destroy();
    this.switched?.cut();
  }
}
