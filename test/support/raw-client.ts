import { connect, type Socket } from "node:net";
import { ByteReader } from "./byte-reader";
import {
  formatChunk,
  formatHeaders,
  header,
  headerValues,
  type RawHeaders,
  readBody,
  readHead,
} from "./http-message";

export interface RawRequest {
  method?: string;
  path?: string;
  host?: string;
  headers?: RawHeaders;
  /** Sent with content-length, unless `chunked` or the headers frame it otherwise. */
  body?: string | Buffer;
  /** Sends the body as these chunks. */
  chunked?: readonly (string | Buffer)[];
  /** Sent after a chunked body. */
  trailers?: RawHeaders;
}

/** A response as it was on the wire. */
export class RawResponse {
  constructor(
    readonly statusLine: string,
    readonly headers: RawHeaders,
    readonly body: Buffer,
    readonly chunks: number[],
    readonly trailers: RawHeaders,
    /** False when the connection ended inside the body. */
    readonly complete: boolean,
    /** 1xx answers that came before, as status and headers. */
    readonly informational: { status: number; headers: RawHeaders }[],
  ) {}

  get status(): number {
    return Number(this.statusLine.split(" ")[1]);
  }

  get text(): string {
    return this.body.toString("latin1");
  }

  header(name: string): string | undefined {
    return header(this.headers, name);
  }

  all(name: string): string[] {
    return headerValues(this.headers, name);
  }
}

/** An HTTP/1.1 client that hides nothing: what is sent and read are bytes on one socket. */
export class RawClient {
  readonly #reader: ByteReader;

  private constructor(readonly socket: Socket) {
    this.#reader = new ByteReader(socket);
  }

  /** `localAddress`: where the connection comes from, e.g. `127.0.0.2`. */
  static connect(port: number, host = "127.0.0.1", localAddress?: string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true, ...(localAddress && { localAddress }) });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawClient(socket));
      });
    });
  }

  /** A client on a connection that is there, e.g. one with TLS. */
  static over(socket: Socket): RawClient {
    return new RawClient(socket);
  }

  /** Resolves when the proxy has closed the connection. */
  get closed(): Promise<void> {
    return this.#reader.closed;
  }

  get isClosed(): boolean {
    return this.#reader.isClosed;
  }

  write(data: string | Buffer): void {
    this.socket.write(latin1(data));
  }

  /** Sends a whole request. */
  send(request: RawRequest): void {
    const { method = "GET", path = "/", host = "test.example", chunked, trailers } = request;
    const headers: RawHeaders = [["Host", host], ...(request.headers ?? [])];
    const framed = header(headers, "content-length") ?? header(headers, "transfer-encoding");
    if (!framed && chunked) headers.push(["Transfer-Encoding", "chunked"]);
    else if (!framed && request.body !== undefined)
      headers.push(["Content-Length", String(Buffer.byteLength(request.body, "latin1"))]);
    const parts = [latin1(`${method} ${path} HTTP/1.1\r\n${formatHeaders(headers)}`)];
    if (chunked) parts.push(...chunked.map(formatChunk), latin1(`0\r\n${formatHeaders(trailers ?? [])}`));
    else if (request.body !== undefined) parts.push(latin1(request.body));
    // One write: small requests arrive in one piece, whatever else the machine does.
    this.write(Buffer.concat(parts));
  }

  /** Reads the next final response. `bodyless`: it answers a HEAD request. Rejects when the connection ends before its head does. */
  async response(bodyless = false): Promise<RawResponse> {
    const informational: { status: number; headers: RawHeaders }[] = [];
    for (;;) {
      const { startLine, headers } = await readHead(this.#reader);
      const status = Number(startLine.split(" ")[1]);
      if (status >= 100 && status < 200 && status !== 101) {
        informational.push({ status, headers });
        continue;
      }
      const none = bodyless || status === 204 || status === 304;
      const { body, chunks, trailers, complete } = await readBody(this.#reader, none ? [] : headers, !none);
      return new RawResponse(startLine, headers, body, chunks, trailers, complete, informational);
    }
  }

  /** Reads only as far as the head of the next response; its body stays unread. */
  head(): Promise<{ startLine: string; headers: RawHeaders }> {
    return readHead(this.#reader);
  }

  /** Reads the next bytes as they come, or undefined once the connection has ended. */
  bytes(): Promise<Buffer | undefined> {
    return this.#reader.some();
  }

  async exchange(request: RawRequest): Promise<RawResponse> {
    this.send(request);
    return this.response(request.method === "HEAD");
  }

  /** Closes the connection at once, with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }
}

function latin1(data: string | Buffer): Buffer {
  return typeof data === "string" ? Buffer.from(data, "latin1") : data;
}

/** One request on a connection of its own. */
export async function exchange(port: number, request: RawRequest = {}): Promise<RawResponse> {
  const client = await RawClient.connect(port);
  try {
    return await client.exchange(request);
  } finally {
    client.close();
  }
}
