import { METHODS } from "node:http";
import { type Fault, Framing, MessageReader, type RawFields } from "./message-reader";

/** The head of a request as it stands on the wire. */
export interface RequestStart {
  readonly method: string;
  readonly target: string;
  /** `1.1`, `1.0`, ... */
  readonly version: string;
  readonly fields: RawFields;
  /** A body follows, be it empty. */
  readonly hasBody: boolean;
}

/** What a connection hears of its client's requests. */
export interface RequestEvents {
  onRequestHead(start: RequestStart): void;
  onRequestBody(bytes: Buffer): void;
  onRequestEnd(trailers: RawFields | undefined): void;
  onRequestFault(fault: Fault): void;
}

const KNOWN: ReadonlySet<string> = new Set(METHODS);

/** A path, `*`, or a URL with a host. */
const TARGET = /^(?:[/*][\x21-\x7e]*|[A-Za-z]+:\/\/[A-Za-z0-9!$%&'()*+,\-.:;=@[\]_~]+(?:[/?][\x21-\x7e]*)?)$/;
/** Host and port, for CONNECT. */
const AUTHORITY = /^[A-Za-z0-9!$%&'()*+,\-.:;=@[\]_~]+$/;

const VERSION = /^HTTP\/\d\.\d$/;
const READABLE_VERSIONS: ReadonlySet<string> = new Set(["1.1", "1.0", "0.9", "2.0"]);

/** Reads a client's requests. */
export class RequestReader extends MessageReader {
  private method = "";
  private target = "";
  private version = "";

  constructor(
    private readonly events: RequestEvents,
    maxHeadBytes: number,
  ) {
    super(maxHeadBytes);
  }

  protected startLine(line: string): Fault | undefined {
    const first = line.indexOf(" ");
    const second = line.indexOf(" ", first + 1);
    if (first < 0 || second < 0) return "syntax";
    const method = line.slice(0, first);
    const target = line.slice(first + 1, second);
    if (!KNOWN.has(method)) return "syntax";
    if (!(method === "CONNECT" ? AUTHORITY : TARGET).test(target)) return "syntax";
    const version = line.slice(second + 1);
    if (!VERSION.test(version)) return "syntax";
    this.method = method;
    this.target = target;
    this.version = version.slice(5);
    return READABLE_VERSIONS.has(this.version) ? undefined : "version";
  }

  protected head(fields: RawFields): Framing {
    const { method, target, version, contentLength, transferEncoding } = this;
    const hasBody =
      transferEncoding !== undefined || (contentLength !== undefined && Number(contentLength) > 0);
    // Nobody can tell where another encoding ends; it is refused, and nothing behind it read.
    const unreadable = transferEncoding !== undefined && transferEncoding.toLowerCase() !== "chunked";
    this.events.onRequestHead({ method, target, version, fields, hasBody });
    if (unreadable || method === "CONNECT") this.stop();
    if (transferEncoding !== undefined) return Framing.Chunked;
    return contentLength === undefined ? Framing.None : Framing.Length;
  }

  protected data(bytes: Buffer): void {
    this.events.onRequestBody(bytes);
  }

  protected end(trailers: RawFields | undefined): void {
    this.events.onRequestEnd(trailers);
  }

  protected fault(fault: Fault): void {
    this.events.onRequestFault(fault);
  }
}
