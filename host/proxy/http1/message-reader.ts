import { ChunkReader } from "./chunk-reader";
import { fieldName } from "./field-names";

/** Why bytes are no message. */
export type Fault = "syntax" | "version" | "head too large";

/** How the end of a body is told. */
export enum Framing {
  None,
  Length,
  Chunked,
  UntilClose,
}

/** Names and values of a head in turn; names in lower case. */
export type RawFields = string[];

const EMPTY = Buffer.alloc(0);
const HEAD_END = Buffer.from("\r\n\r\n", "latin1");

/** Bytes that no head has; that CR and LF stand together only is seen line by line. */
const UNREADABLE = /[^\t\r\n\x20-\x7e\x80-\xff]/;

const MAX_LENGTH = 2n ** 64n - 1n;

const enum State {
  Head,
  Length,
  Chunked,
  UntilClose,
  /** Nothing more is read. */
  Broken,
}

/**
 * Reads messages of HTTP/1 out of the bytes of a connection, strictly: what can be read in more than one way is no message.
 * Nothing is looked at twice unless it comes in pieces, and nothing is copied but the text of heads.
 */
export abstract class MessageReader {
  private state = State.Head;
  /** Bytes of the body that are still to come. */
  private left = 0;
  /** Made for the first chunked body. */
  private chunks: ChunkReader | undefined;
  /** The beginning of a head whose end has not come yet. */
  private held: Buffer | undefined;
  private heldLength = 0;
  /** Of which these were found to be whole lines. */
  private checked = 0;
  /** Body bytes of one `read`. */
  private body: Buffer | undefined;
  private more: Buffer[] | undefined;
  /** Framing headers of the head at hand. */
  protected contentLength: string | undefined;
  protected transferEncoding: string | undefined;

  /** `skipsEmptyLines`: that stand before a message (RFC 9112, 2.2). */
  constructor(
    private readonly maxHeadBytes: number,
    private readonly skipsEmptyLines: boolean,
  ) {}

  /** Takes in the first line; answers what is wrong with it. */
  protected abstract startLine(line: string): Fault | undefined;
  /** A head is complete. Answers how its body ends. */
  protected abstract head(fields: RawFields): Framing;
  /** All body bytes that one `read` has brought. */
  protected abstract data(bytes: Buffer): void;
  /** The message is complete; trailers when there are any. */
  protected abstract end(trailers: RawFields | undefined): void;
  /** What comes is no message, and nothing behind it will be read. */
  protected abstract fault(fault: Fault): void;

  /** True between two messages. */
  get between(): boolean {
    return this.state === State.Head && this.heldLength === 0;
  }

  /** Reads on from `at`, to the end of a message or of the bytes; answers where it stopped. */
  read(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const { state } = this;
      if (state === State.Head) {
        at = this.readHead(bytes, at);
        if (this.state === State.Head && this.heldLength === 0) return at;
      } else if (state === State.Length) {
        const end = Math.min(bytes.length, at + this.left);
        this.add(bytes, at, end);
        this.left -= end - at;
        at = end;
        if (this.left === 0) {
          this.finish(undefined);
          return at;
        }
      } else if (state === State.Chunked) {
        at = this.readChunks(bytes, at);
        if (this.state === State.Head) return at;
      } else if (state === State.UntilClose) {
        this.add(bytes, at, bytes.length);
        at = bytes.length;
      } else at = bytes.length;
    }
    this.deliver();
    return at;
  }

  /** The peer sends no more. True when that completes a message, or there is none under way. */
  close(): boolean {
    if (this.state === State.UntilClose) this.finish(undefined);
    return this.between;
  }

  private readChunks(bytes: Buffer, from: number): number {
    const chunks = this.chunks!;
    let at = from;
    while (at < bytes.length) {
      at = chunks.read(bytes, at);
      if (chunks.data) this.add(bytes, chunks.dataStart, chunks.dataEnd);
      if (chunks.fault) {
        this.body = undefined;
        this.more = undefined;
        this.refuse(chunks.fault);
        return bytes.length;
      }
      if (chunks.complete) {
        this.finish(chunks.trailers);
        return at;
      }
    }
    return at;
  }

  /** What follows the head in this `read` is told of even if there is nothing. */
  protected dataAtOnce(): void {
    this.body = EMPTY;
  }

  private add(bytes: Buffer, start: number, end: number): void {
    const part = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    if (!this.body || this.body === EMPTY) this.body = part;
    else if (this.more) this.more.push(part);
    else this.more = [part];
  }

  private deliver(): void {
    const { body, more } = this;
    if (!body) return;
    this.body = undefined;
    this.more = undefined;
    this.data(more ? Buffer.concat([body, ...more]) : body);
  }

  private finish(trailers: RawFields | undefined): void {
    this.deliver();
    if (this.state === State.Broken) return;
    this.state = State.Head;
    this.end(trailers);
  }

  protected refuse(fault: Fault): void {
    this.stop();
    this.fault(fault);
  }

  /** Reads no further. */
  stop(): void {
    this.state = State.Broken;
  }

  private readHead(bytes: Buffer, from: number): number {
    if (this.heldLength > 0) return this.readHeldHead(bytes, from);
    let at = from;
    if (this.skipsEmptyLines) while (bytes[at] === 13 || bytes[at] === 10) at++;
    if (at === bytes.length) return at;
    const end = bytes.indexOf(HEAD_END, at);
    if (end < 0) return this.hold(bytes, at);
    if (end - at > this.maxHeadBytes) this.refuse("head too large");
    else this.parse(bytes.toString("latin1", at, end + 2));
    return end + 4;
  }

  private hold(bytes: Buffer, from: number): number {
    const length = bytes.length - from;
    const needed = this.heldLength + length;
    if (!this.held || needed > this.held.length) {
      const bigger = Buffer.allocUnsafe(Math.max(1024, needed * 2));
      this.held?.copy(bigger, 0, 0, this.heldLength);
      this.held = bigger;
    }
    bytes.copy(this.held, this.heldLength, from);
    this.heldLength = needed;
    if (needed > this.maxHeadBytes + HEAD_END.length) this.refuse("head too large");
    else this.checkHeld(this.held);
    return bytes.length;
  }

  private readHeldHead(bytes: Buffer, from: number): number {
    const before = this.heldLength;
    const held = this.held!;
    // The end may have begun in what is held.
    const lap = Math.min(3, before);
    const seam = Buffer.concat([held.subarray(before - lap, before), bytes.subarray(from, from + 3)]);
    const inSeam = seam.indexOf(HEAD_END);
    const found = inSeam < 0 ? bytes.indexOf(HEAD_END, from) : inSeam - lap;
    if (inSeam < 0 && found < 0) return this.hold(bytes, from);
    const end = inSeam < 0 ? found + 4 : from + found + 4;
    const text = held.toString("latin1", 0, before) + bytes.toString("latin1", from, end);
    this.drop();
    if (text.length - 4 > this.maxHeadBytes) this.refuse("head too large");
    else this.parse(text.slice(0, -2));
    return end;
  }

  private drop(): void {
    this.held = undefined;
    this.heldLength = 0;
    this.checked = 0;
  }

  /** What is wrong with the beginning of a head is not waited with until its end. */
  private checkHeld(held: Buffer): void {
    const first = held[0]!;
    if (first < 65 || first > 90) return this.refuse("syntax");
    const last = held.subarray(0, this.heldLength).lastIndexOf(10);
    if (last < this.checked) return;
    const text = held.toString("latin1", this.checked, last + 1);
    const whole = this.checked > 0;
    this.checked = last + 1;
    if (UNREADABLE.test(text)) return this.refuse("syntax");
    const line = whole ? -2 : lineEnd(text, 0);
    const fault = line === -1 ? "syntax" : whole ? undefined : this.startLine(text.slice(0, line));
    if (fault) this.refuse(fault);
    else if (!readFields(text, line + 2, [])) this.refuse("syntax");
  }

  /** `text`: all lines of a head, the last one's end included. */
  private parse(text: string): void {
    if (UNREADABLE.test(text)) return this.refuse("syntax");
    const line = lineEnd(text, 0);
    const fault = line < 0 ? "syntax" : this.startLine(text.slice(0, line));
    if (fault) return this.refuse(fault);
    const fields: RawFields = [];
    if (!readFields(text, line + 2, fields)) return this.refuse("syntax");
    if (!this.findFraming(fields)) return this.refuse("syntax");
    const framing = this.head(fields);
    // What hears of a head may end the reading.
    if ((this.state as State) === State.Broken) return;
    if (framing === Framing.Length) {
      this.left = Number(this.contentLength);
      if (this.left > 0) this.state = State.Length;
      else this.end(undefined);
    } else if (framing === Framing.Chunked) {
      this.chunks ??= new ChunkReader(this.maxHeadBytes);
      this.chunks.begin();
      this.state = State.Chunked;
    } else if (framing === Framing.UntilClose) this.state = State.UntilClose;
    else this.end(undefined);
  }

  /** Two lengths could be read in two ways. */
  private findFraming(fields: RawFields): boolean {
    let length: string | undefined;
    let encoding: string | undefined;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i];
      if (name === "content-length") {
        if (length !== undefined) return false;
        length = fields[i + 1]!;
      } else if (name === "transfer-encoding")
        encoding = encoding === undefined ? fields[i + 1]! : `${encoding},${fields[i + 1]!}`;
    }
    this.contentLength = length;
    this.transferEncoding = encoding;
    return length === undefined || isLength(length);
  }
}

/** Up to 64 bits, as Envoy counts. A number that is not exact is that of a body which never ends. */
function isLength(text: string): boolean {
  return /^\d+$/.test(text) && (text.length < 16 || BigInt(text) <= MAX_LENGTH);
}

/** Where a line ends; -1 when it does not, or in another way than CR LF. */
function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\r", from);
  return end >= 0 && text.indexOf("\n", from) === end + 1 ? end : -1;
}

/** Reads lines from `at` to the end of the text. False: one of them is no field. */
export function readFields(text: string, from: number, into: RawFields): boolean {
  let at = from;
  while (at < text.length) {
    const end = lineEnd(text, at);
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon > end) return false;
    const name = fieldName(text.slice(at, colon));
    if (name === undefined) return false;
    into.push(name, trimmed(text, colon + 1, end));
    at = end + 2;
  }
  return true;
}

/** A part of a text without the blanks around it. */
export function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
