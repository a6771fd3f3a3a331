import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ByteReader, ConnectionClosed } from "./byte-reader";
import {
  formatChunk,
  formatHeaders,
  header,
  headerValues,
  type MessageBody,
  type RawHeaders,
  readBody,
  readHead,
} from "./http-message";

/** A request as it arrived at the upstream. */
export class UpstreamRequest {
  constructor(
    readonly startLine: string,
    readonly headers: RawHeaders,
    /** Resolves when the body and its trailers have been read (or cut). */
    readonly message: Promise<MessageBody>,
    /** Number of the connection it came on, from 1. */
    readonly connection: number,
  ) {}

  get method(): string {
    return this.startLine.split(" ")[0]!;
  }

  get path(): string {
    return this.startLine.split(" ")[1]!;
  }

  header(name: string): string | undefined {
    return header(this.headers, name);
  }

  all(name: string): string[] {
    return headerValues(this.headers, name);
  }

  async body(): Promise<string> {
    return (await this.message).body.toString("latin1");
  }
}

export interface UpstreamReply {
  status?: number;
  headers?: RawHeaders;
  body?: string | Buffer;
  /** Sends the body as these chunks instead. */
  chunked?: readonly (string | Buffer)[];
  trailers?: RawHeaders;
}

/** Writes an answer piece by piece; the promises of a handler decide when. */
export class ReplyWriter {
  constructor(readonly socket: Socket) {}

  /** Any bytes. */
  raw(data: string | Buffer): void {
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  head(status: number, headers: RawHeaders): void {
    this.raw(`HTTP/1.1 ${status} Scripted\r\n${formatHeaders(headers)}`);
  }

  chunk(data: string | Buffer): void {
    this.raw(formatChunk(data));
  }

  /** Ends a chunked body. */
  end(trailers: RawHeaders = []): void {
    this.raw(`0\r\n${formatHeaders(trailers)}`);
  }

  send({ status = 200, headers = [], body = "", chunked, trailers }: UpstreamReply): void {
    if (chunked || trailers) {
      this.head(status, [...headers, ["Transfer-Encoding", "chunked"]]);
      for (const part of chunked ?? [body]) if (part.length > 0) this.chunk(part);
      this.end(trailers);
      return;
    }
    const framed = header(headers, "content-length") !== undefined || status === 204 || status === 304;
    const length: RawHeaders = framed ? [] : [["Content-Length", String(Buffer.byteLength(body, "latin1"))]];
    this.head(status, [...headers, ...length]);
    this.raw(body);
  }

  /** Cuts the connection. */
  abort(): void {
    this.socket.resetAndDestroy();
  }
}

export type UpstreamHandler = (request: UpstreamRequest, reply: ReplyWriter) => void | Promise<void>;

/** Answers `200 ok` once the whole request has arrived. */
export const answerOk: UpstreamHandler = async (request, reply) => {
  await request.message;
  // A body behind the answer to a HEAD is garbage in front of the next answer, and now and then seen in time.
  reply.send(request.method === "HEAD" ? { headers: [["Content-Length", "2"]] } : { body: "ok" });
};

/** An HTTP/1.1 server on raw sockets that records everything and answers by script. */
export class RawUpstream {
  readonly requests: UpstreamRequest[] = [];
  handler: UpstreamHandler = answerOk;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  readonly #events = new EventEmitter();

  private constructor(readonly server: Server) {}

  static async start(handler: UpstreamHandler = answerOk): Promise<RawUpstream> {
    const server = createServer({ noDelay: true });
    const upstream = new RawUpstream(server);
    upstream.handler = handler;
    server.on("connection", (socket) => void upstream.#serve(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that are open. */
  get sockets(): ReadonlySet<Socket> {
    return this.#sockets;
  }

  get connections(): number {
    return this.#connections;
  }

  /** The request with this index (from 0), waiting for it if need be. */
  async request(index = 0): Promise<UpstreamRequest> {
    while (this.requests.length <= index) await once(this.#events, "request");
    return this.requests[index]!;
  }

  async #serve(socket: Socket): Promise<void> {
    const connection = ++this.#connections;
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const reader = new ByteReader(socket);
    try {
      for (;;) {
        const { startLine, headers } = await readHead(reader);
        const message = readBody(reader, headers, false);
        const request = new UpstreamRequest(startLine, headers, message, connection);
        this.requests.push(request);
        this.#events.emit("request");
        await this.handler(request, new ReplyWriter(socket));
        await message;
      }
    } catch (error) {
      if (!(error instanceof ConnectionClosed)) throw error;
    }
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.server, "close");
  }
}
