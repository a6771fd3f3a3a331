import { type Fault, type RawFields, readFields } from "./message-reader";

/** A chunk's size, and what else may stand on its line. */
const SIZE_LINE = /^0*([0-9a-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/i;
/** The same while its end has not come. */
const SIZE_BEGUN = /^(?:0*[0-9a-f]{1,16}(?:;[\t\x20-\x7e\x80-\xff]*)?\r?)?$/i;
const MAX_LINE = 16 * 1024;

const UNREADABLE = /[^\t\r\n\x20-\x7e\x80-\xff]/;

/** In trailers they would frame the message a second time. */
const NO_TRAILERS: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);

const enum State {
  Size,
  Data,
  /** The line's end behind a chunk. */
  DataEnd,
  Trailers,
}

/** Reads a chunked body, strictly. */
export class ChunkReader {
  /** What `read` has found: data, between these two places. */
  data = false;
  dataStart = 0;
  dataEnd = 0;
  complete = false;
  fault: Fault | undefined;
  trailers: RawFields | undefined;
  private state = State.Size;
  private left = 0;
  /** Of the line at hand. */
  private line = "";
  private trailerBytes = 0;

  constructor(private readonly maxTrailerBytes: number) {}

  /** A new body begins. */
  begin(): void {
    this.state = State.Size;
    this.complete = false;
    this.fault = undefined;
    this.trailers = undefined;
    this.line = "";
    this.trailerBytes = 0;
  }

  /** Reads one thing on from `at`: a piece of data or a line; answers where it ends. */
  read(bytes: Buffer, at: number): number {
    this.data = false;
    if (this.state !== State.Data) return this.readLine(bytes, at);
    const end = Math.min(bytes.length, at + this.left);
    this.data = true;
    this.dataStart = at;
    this.dataEnd = end;
    this.left -= end - at;
    if (this.left === 0) this.state = State.DataEnd;
    return end;
  }

  private readLine(bytes: Buffer, at: number): number {
    const feed = bytes.indexOf(10, at);
    const end = feed < 0 ? bytes.length : feed + 1;
    const most = this.state === State.Trailers ? this.maxTrailerBytes : MAX_LINE;
    if (this.line.length + end - at > most) {
      this.fault = this.state === State.Trailers ? "head too large" : "syntax";
      return end;
    }
    this.line += bytes.toString("latin1", at, end);
    if (feed >= 0) {
      const { line } = this;
      this.line = "";
      this.endLine(line);
    } else if (this.state === State.Size && !SIZE_BEGUN.test(this.line)) this.fault = "syntax";
    else if (this.state === State.DataEnd && this.line !== "\r") this.fault = "syntax";
    return end;
  }

  private endLine(line: string): void {
    if (this.state === State.Size) {
      const size = SIZE_LINE.exec(line);
      if (!size) this.fault = "syntax";
      else {
        this.left = Number.parseInt(size[1]!, 16);
        this.state = this.left === 0 ? State.Trailers : State.Data;
      }
    } else if (this.state === State.DataEnd) {
      if (line !== "\r\n") this.fault = "syntax";
      this.state = State.Size;
    } else if (line === "\r\n") this.complete = true;
    else this.addTrailer(line);
  }

  private addTrailer(line: string): void {
    this.trailers ??= [];
    this.trailerBytes += line.length;
    const { trailers } = this;
    if (this.trailerBytes > this.maxTrailerBytes) this.fault = "head too large";
    else if (UNREADABLE.test(line) || !readFields(line, 0, trailers) || NO_TRAILERS.has(trailers.at(-2)!))
      this.fault = "syntax";
  }
}
