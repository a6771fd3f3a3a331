import {
  type IncomingMessage,
  type ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import type { Socket } from "node:net";
import type { HeaderMap } from "../../../stores/header-map";
import { contained } from "../../contain";
import { properCase } from "../../proper-case";
import { CONNECT, isGranted } from "../../tunnel/upgrade-headers";
import type { CodecStream, CodecStreamEvents } from "../codec";
import { reasonPhrase } from "../reason-phrases";
import type { Http1Connection } from "./http1-connection";
import { Http1Stream } from "./http1-stream";

/** A request for another protocol, as node:http hands it over: it reads the connection no more. */
export interface Handover {
  socket: Socket;
  /** What has been read behind the request's head. */
  rest: Buffer;
}

/**
 * The wire's side of such a request. What follows its head are bytes, whatever the answer; the answer itself is HTTP until
 * it grants what was asked for. Either way the connection serves nothing after it.
 */
export class Http1Tunnel implements CodecStream {
  private readonly http: Http1Stream;
  private readonly type: string;
  private events!: CodecStreamEvents;
  private granted = false;
  private reading = false;

  constructor(
    private readonly connection: Http1Connection,
    request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly handover: Handover,
  ) {
    connection.closing = true;
    response.assignSocket(handover.socket);
    this.http = new Http1Stream(connection, request, response);
    this.type = request.method === "CONNECT" ? CONNECT : (request.headers.upgrade ?? "");
  }

  get protocol(): string {
    return this.http.protocol;
  }

  /** It never arrives whole. */
  get requestArrived(): boolean {
    return false;
  }

  /** Says who is to hear of what happens. */
  attach(events: CodecStreamEvents): void {
    this.events = events;
    this.http.attach(events);
    const { socket } = this.handover;
    // node:http does this no more.
    socket.on(
      "drain",
      this.contained(() => (this.granted ? events.onDrain() : this.response.emit("drain"))),
    );
    // Half a connection is of no use to Envoy here either.
    socket.once(
      "end",
      this.contained(() => {
        events.onGone();
        if (!socket.writableEnded) socket.destroy();
      }),
    );
  }

  private contained<A extends unknown[]>(run: (...args: A) => void): (...args: A) => void {
    return contained(run, (error) => this.events.onBug(error));
  }

  sendContinue(): void {
    this.http.sendContinue();
  }

  /** The first delivery is what came with the head, be it nothing (as in Envoy). */
  readRequest(): void {
    const { events } = this;
    const { socket, rest } = this.handover;
    this.reading = true;
    events.onRequestData(rest, false);
    socket.on(
      "data",
      this.contained((chunk: Buffer) => this.reading && events.onRequestData(chunk, false)),
    );
  }

  pauseRequest(paused: boolean): void {
    const { socket } = this.handover;
    if (paused) socket.pause();
    else socket.resume();
  }

  answerEarly(): void {}

  giveUpConnection(): void {}

  sendHeaders(headers: HeaderMap, status: number, endStream: boolean): void {
    if (!isGranted(this.type, status, headers)) {
      this.http.sendHeaders(headers, status, endStream);
      return;
    }
    const { properCase: proper } = this.connection.manager.config.codec;
    const head = grantedHead(headers, status, proper ? properCase : undefined);
    this.granted = true;
    const { socket } = this.handover;
    this.response.detachSocket(socket);
    socket.write(head, "latin1");
  }

  sendData(chunk: Buffer): boolean {
    return this.granted ? this.handover.socket.write(chunk) : this.http.sendData(chunk);
  }

  endResponse(trailers?: HeaderMap): void {
    if (!this.granted) this.http.endResponse(trailers);
    this.close();
  }

  reset(): void {
    if (this.granted) this.close();
    else this.http.reset();
  }

  private close(): void {
    this.connection.close();
  }

  release(): void {
    this.reading = false;
    this.handover.socket.resume();
  }
}

/** The head of an answer that has no body, and no framing therefore. Throws when it cannot go on the wire. */
function grantedHead(headers: HeaderMap, status: number, format = (name: string) => name): string {
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  for (const [name, value] of headers) {
    if (name.charCodeAt(0) === 58) continue;
    validateHeaderName(name);
    validateHeaderValue(name, value);
    text += `${format(name)}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
