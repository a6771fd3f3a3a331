/** What a client says first on a TLS connection, as far as choosing a filter chain needs it. */
export interface ClientHello {
  /** Lower case; "" = none was asked for. */
  serverName: string;
  /** Of ALPN, in the client's order. */
  protocols: string[];
}

/** As much as Envoy reads of it. */
export const MAX_HELLO = 16 * 1024;

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
/** Of a record, and of the message in it. */
const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
const MAX_RECORD = 16 * 1024 + 256;

/**
 * Reads the first message of a TLS client out of the first bytes of a connection. `more`: they may become one; `other`: they
 * are none. Nothing but these two extensions is looked into: the handshake itself is the library's.
 */
export function readClientHello(bytes: Buffer): ClientHello | "more" | "other" {
  const message = joinRecords(bytes);
  if (typeof message === "string") return message;
  try {
    return readMessage(new Reader(message));
  } catch (error) {
    if (error instanceof RangeError) return "other";
    throw error;
  }
}

/** The bytes of the message, whose length stands in its first record; records are its packaging. */
function joinRecords(bytes: Buffer): Buffer | "more" | "other" {
  const parts: Buffer[] = [];
  let wanted: number | undefined;
  let have = 0;
  for (let at = 0; wanted === undefined || have < wanted; ) {
    const header = bytes.subarray(at, at + RECORD_HEADER);
    if (header.length > 0 && header[0] !== HANDSHAKE) return "other";
    if (header.length > 1 && header[1] !== 3) return "other";
    if (header.length < RECORD_HEADER) return "more";
    const length = header.readUInt16BE(3);
    if (length === 0 || length > MAX_RECORD) return "other";
    const part = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    parts.push(part);
    have += part.length;
    if (wanted === undefined && have >= MESSAGE_HEADER) {
      const start = Buffer.concat(parts);
      if (start[0] !== CLIENT_HELLO) return "other";
      wanted = MESSAGE_HEADER + start.readUIntBE(1, 3);
      if (wanted > MAX_HELLO) return "other";
    }
    if (part.length < length && (wanted === undefined || have < wanted)) return "more";
    at += RECORD_HEADER + length;
  }
  return Buffer.concat(parts).subarray(MESSAGE_HEADER, wanted);
}

function readMessage(message: Reader): ClientHello {
  const hello: ClientHello = { serverName: "", protocols: [] };
  // Version and random.
  message.skip(2 + 32);
  message.skip(message.u8());
  message.skip(message.u16());
  message.skip(message.u8());
  if (message.done) return hello;
  const extensions = message.part(message.u16());
  while (!extensions.done) {
    const type = extensions.u16();
    const body = extensions.part(extensions.u16());
    if (type === SERVER_NAME) hello.serverName = readServerName(body);
    else if (type === ALPN) hello.protocols = readProtocols(body);
  }
  return hello;
}

const HOST_NAME = 0;

function readServerName(body: Reader): string {
  const names = body.part(body.u16());
  if (names.u8() !== HOST_NAME) throw new RangeError("no host name");
  return names.part(names.u16()).text.toLowerCase();
}

/** What cannot be read is left to the library to refuse. */
function readProtocols(body: Reader): string[] {
  const protocols: string[] = [];
  const list = body.part(body.u16());
  while (!list.done) protocols.push(list.part(list.u8()).text);
  return protocols;
}

/** Reads forward; what reaches beyond the end is a RangeError. */
class Reader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** The rest as Latin-1. */
  get text(): string {
    return this.bytes.toString("latin1", this.at);
  }

  u8(): number {
    return this.bytes.readUInt8(this.advance(1));
  }

  u16(): number {
    return this.bytes.readUInt16BE(this.advance(2));
  }

  skip(count: number): void {
    this.part(count);
  }

  part(count: number): Reader {
    const from = this.advance(count);
    if (this.at > this.bytes.length) throw new RangeError("beyond the end");
    return new Reader(this.bytes.subarray(from, this.at));
  }

  private advance(count: number): number {
    const from = this.at;
    this.at += count;
    return from;
  }
}
