import { type ByteReader, ConnectionClosed } from "./byte-reader";

/** Header lines as they were on the wire: case, order and duplicates kept, Latin-1 text. */
export type RawHeaders = [name: string, value: string][];

export interface MessageHead {
  startLine: string;
  headers: RawHeaders;
}

export interface MessageBody {
  body: Buffer;
  /** Sizes of the chunks as they were framed; empty when the body was not chunked. */
  chunks: number[];
  trailers: RawHeaders;
  /** False when the connection ended before the body did. */
  complete: boolean;
}

/** First value of a header, by any case of its name. */
export function header(headers: RawHeaders, name: string): string | undefined {
  return headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** All values of a header, in order. */
export function headerValues(headers: RawHeaders, name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

export async function readHead(reader: ByteReader): Promise<MessageHead> {
  const startLine = await reader.line();
  return { startLine, headers: await readHeaderLines(reader) };
}

async function readHeaderLines(reader: ByteReader): Promise<RawHeaders> {
  const headers: RawHeaders = [];
  for (;;) {
    const line = await reader.line();
    if (line === "") return headers;
    const colon = line.indexOf(":");
    headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
}

/** Reads the body that follows a head. `toEnd`: without framing it lasts until the connection closes (responses). */
export async function readBody(
  reader: ByteReader,
  headers: RawHeaders,
  toEnd: boolean,
): Promise<MessageBody> {
  const message: MessageBody = { body: Buffer.alloc(0), chunks: [], trailers: [], complete: true };
  const parts: Buffer[] = [];
  try {
    if (header(headers, "transfer-encoding") === "chunked") await readChunks(reader, parts, message);
    else if (header(headers, "content-length") !== undefined)
      await readCounted(reader, parts, Number(header(headers, "content-length")));
    else if (toEnd) for (let part = await reader.some(); part; part = await reader.some()) parts.push(part);
  } catch (error) {
    if (!(error instanceof ConnectionClosed)) throw error;
    message.complete = false;
  }
  message.body = Buffer.concat(parts);
  return message;
}

async function readCounted(reader: ByteReader, parts: Buffer[], length: number): Promise<void> {
  let left = length;
  while (left > 0) {
    const waiting = Math.min(left, Math.max(1, reader.pending.length));
    parts.push(await reader.exactly(waiting));
    left -= waiting;
  }
}

async function readChunks(reader: ByteReader, parts: Buffer[], message: MessageBody): Promise<void> {
  for (;;) {
    const size = Number.parseInt(await reader.line(), 16);
    if (size === 0) break;
    message.chunks.push(size);
    parts.push(await reader.exactly(size));
    await reader.line();
  }
  message.trailers = await readHeaderLines(reader);
}

/** Serializes header lines, the empty line included. */
export function formatHeaders(headers: Iterable<readonly [string, string]>): string {
  return `${[...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** One chunk of a chunked body. */
export function formatChunk(data: string | Buffer): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
