import { EventEmitter, once } from "node:events";
import {
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** A request as it arrived at the upstream. */
export class Http2Request {
  /** Resolves with the stream's error code when it is over. */
  readonly closed: Promise<number>;
  /** Everything received so far. */
  body = Buffer.alloc(0);
  readonly #ended: Promise<unknown>;

  constructor(
    readonly stream: ServerHttp2Stream,
    /** In the order of the wire. */
    readonly headers: readonly (readonly [string, string])[],
    /** Number of the connection it came on, from 1. */
    readonly connection: number,
  ) {
    // Its errors are what `closed` tells; `once` would reject with them.
    stream.on("error", () => {});
    this.closed = new Promise((resolve) => stream.once("close", () => resolve(stream.rstCode)));
    this.#ended = new Promise((resolve) => stream.once("end", resolve));
    stream.on("data", (chunk: Buffer) => {
      this.body = Buffer.concat([this.body, chunk]);
    });
  }

  header(name: string): string | undefined {
    return this.headers.find(([key]) => key === name)?.[1];
  }

  /** Resolves when the other side has sent everything (or will send no more). */
  async ended(): Promise<Buffer> {
    await Promise.race([this.#ended, this.closed]);
    return this.body;
  }
}

export type Http2Handler = (request: Http2Request) => void | Promise<void>;

/** An HTTP/2 server (prior knowledge, no TLS) that records everything and answers by script. */
export class Http2Upstream {
  readonly requests: Http2Request[] = [];
  readonly sessions: ServerHttp2Session[] = [];
  readonly #events = new EventEmitter();

  private constructor(
    readonly server: Http2Server,
    public handler: Http2Handler,
  ) {
    this.#events.setMaxListeners(0);
    server.on("session", (session) => {
      this.sessions.push(session);
      session.on("error", () => {});
    });
    server.on("stream", (stream, _headers, _flags, raw: string[]) => {
      const headers = Array.from(
        { length: raw.length / 2 },
        (_, i) => [raw[2 * i]!, raw[2 * i + 1]!] as const,
      );
      const request = new Http2Request(
        stream,
        headers,
        this.sessions.indexOf(stream.session as ServerHttp2Session) + 1,
      );
      this.requests.push(request);
      this.#events.emit("request");
      void this.handler(request);
    });
  }

  /** Listens on an ephemeral port. */
  static async start(handler: Http2Handler, settings: Settings = {}): Promise<Http2Upstream> {
    const server = createServer({ settings });
    const upstream = new Http2Upstream(server, handler);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The request of that number, past or to come. */
  async request(index: number): Promise<Http2Request> {
    while (this.requests.length <= index) await once(this.#events, "request");
    return this.requests[index]!;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const session of this.sessions) session.destroy();
  }
}
