import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect,
  constants,
} from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { header, headerValues, type RawHeaders } from "./http-message";

/** What node:http2 tells of a stream that was cut; the code is in `reset`. */
const CUT = new Set(["ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_SESSION_ERROR", "ECONNRESET"]);

export interface H2Request {
  method?: string;
  path?: string;
  authority?: string;
  /** Follow the pseudo-headers as they are, in this order. */
  headers?: RawHeaders;
  /** Stands in place of the pseudo-headers. */
  pseudo?: RawHeaders;
  /** Sent in one piece, the end of the stream on it. */
  body?: string | Buffer;
  trailers?: Record<string, string | string[]>;
}

/** A response as it came. */
export interface H2Response {
  status: number;
  headers: RawHeaders;
  body: Buffer;
  text: string;
  trailers: RawHeaders;
  informational: number[];
  /** Code of the RST_STREAM that ended it, undefined when it ended by itself (0 = NO_ERROR was sent). */
  reset: number | undefined;
  header(name: string): string | undefined;
  all(name: string): string[];
}

function pairs(flat: readonly string[]): RawHeaders {
  const headers: RawHeaders = [];
  for (let i = 0; i < flat.length; i += 2) headers.push([flat[i]!, flat[i + 1]!]);
  return headers;
}

/** One request on its way. Everything that comes back is kept. */
export class H2Exchange {
  status = 0;
  headers: RawHeaders = [];
  trailers: RawHeaders = [];
  readonly informational: number[] = [];
  readonly chunks: Buffer[] = [];
  readonly #head: Promise<void>;
  readonly #end: Promise<void>;
  /** The response has come to its end of stream. */
  #ended = false;

  constructor(readonly stream: ClientHttp2Stream) {
    stream.on("headers", (h) => this.informational.push(Number(h[":status"])));
    stream.on("response", (...event) => {
      this.headers = pairs(event[2] as unknown as string[]);
      this.status = Number(header(this.headers, ":status"));
    });
    stream.on("trailers", (...event) => {
      this.trailers = pairs((event as unknown[])[2] as string[]);
    });
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!CUT.has(error.code ?? "")) throw error;
    });
    stream.on("end", () => {
      this.#ended = true;
    });
    this.#head = new Promise((resolve) => {
      stream.once("response", () => resolve());
      stream.once("close", () => resolve());
    });
    this.#end = new Promise((resolve) => stream.once("close", () => resolve()));
  }

  /** Reads what comes from now on. */
  read(): this {
    this.stream.on("data", (chunk: Buffer) => this.chunks.push(chunk));
    return this;
  }

  /** Resolves when the head of the response is there, or the stream is over without one. */
  head(): Promise<void> {
    return this.#head;
  }

  /** The whole response, or what there was of it when it was cut. */
  async response(): Promise<H2Response> {
    if (this.stream.listenerCount("data") === 0) this.read();
    await this.#end;
    const body = Buffer.concat(this.chunks);
    const { headers, trailers, status, informational, stream } = this;
    const { rstCode } = stream;
    return {
      status,
      headers,
      trailers,
      informational,
      body,
      text: body.toString("latin1"),
      reset: rstCode === 0 && this.#ended ? undefined : rstCode,
      header: (name) => header(headers, name),
      all: (name) => headerValues(headers, name),
    };
  }

  /** Ends by RST_STREAM. */
  reset(code: number = constants.NGHTTP2_CANCEL): void {
    this.stream.close(code);
  }
}

/** An HTTP/2 client on one connection (prior knowledge, no TLS). */
export class H2Client {
  /** Code and last stream of every GOAWAY received. */
  readonly goaways: { code: number; last: number }[] = [];
  readonly closed: Promise<unknown>;

  private constructor(readonly session: ClientHttp2Session) {
    session.on("goaway", (code, last) => this.goaways.push({ code, last }));
    session.on("error", () => {});
    this.closed = session.closed ? Promise.resolve() : once(session, "close");
  }

  /** Resolves when both sides have said their settings. */
  static connect(port: number, options: ClientSessionOptions = {}): Promise<H2Client> {
    return H2Client.over(connectSocket({ port, host: "127.0.0.1", noDelay: true }), options);
  }

  /** A client on a connection that is there, e.g. one with TLS. */
  static async over(socket: Socket, options: ClientSessionOptions = {}): Promise<H2Client> {
    const session = connect("http://127.0.0.1", { ...options, createConnection: () => socket });
    const client = new H2Client(session);
    await Promise.race([
      once(session, "remoteSettings"),
      client.closed.then(() => Promise.reject(new Error("no HTTP/2 there"))),
    ]);
    return client;
  }

  /** Starts a request; with `open` its body is still to be written. */
  start(request: H2Request = {}, open = false): H2Exchange {
    const { method = "GET", path = "/", authority = "test.example", headers = [], body, trailers } = request;
    const pseudo = request.pseudo ?? [
      [":method", method],
      [":scheme", "http"],
      [":authority", authority],
      [":path", path],
    ];
    const bare = !open && body === undefined && trailers === undefined;
    const stream = this.session.request([...pseudo, ...headers].flat(), {
      endStream: bare,
      waitForTrailers: trailers !== undefined,
    });
    const exchange = new H2Exchange(stream);
    if (trailers) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    if (!bare && !open) stream.end(typeof body === "string" ? Buffer.from(body, "latin1") : body);
    return exchange;
  }

  request(request: H2Request = {}): Promise<H2Response> {
    return this.start(request).response();
  }

  close(): void {
    this.session.destroy();
  }
}

/** One request on a connection of its own. */
export async function h2Exchange(port: number, request: H2Request = {}): Promise<H2Response> {
  const client = await H2Client.connect(port);
  try {
    return await client.request(request);
  } finally {
    client.close();
  }
}
