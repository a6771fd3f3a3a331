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
  /** True: what follows is no HTTP, and all of it body. */
  onRequestHead(start: RequestStart): boolean;
  onRequestBody(bytes: Buffer): void;
  onRequestEnd(trailers: RawFields | undefined): void;
  onRequestFault(fault: Fault): void;
}

const KNOWN: ReadonlySet<string> = new Set(METHODS);

/** A path, `*`, or a URL with a host. */
const TARGET = /^(?:[/*][\x21-\x7e]*|[A-Za-z]+:\/\/[A-Za-z0-9!$%&'()*+,\-.:;=@[\]_~]+(?:[/?][\x21-\x7e]*)?)$/;
/** Of CONNECT: whether it is a host and a port is looked at where it is used. */
const ANY_TARGET = /^[\x21-\x7e]+$/;

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
    /** Chunks count, be there a length beside them. */
    private readonly chunkedLength = false,
  ) {
    super(maxHeadBytes, true);
  }

  protected startLine(line: string): Fault | undefined {
    const words = line.split(" ");
    // Blanks between two words are as good as one, as in Envoy.
    const [method = "", target = "", version, more] =
      words.length === 3 ? words : words.filter((w, i) => w || !i);
    if (!KNOWN.has(method) || more !== undefined) return "syntax";
    if (!(method === "CONNECT" ? ANY_TARGET : TARGET).test(target)) return "syntax";
    if (version !== undefined && !VERSION.test(version)) return "syntax";
    this.method = method;
    this.target = target;
    this.version = version === undefined ? "0.9" : version.slice(5);
    return READABLE_VERSIONS.has(this.version) ? undefined : "version";
  }

  protected head(fields: RawFields): Framing {
    const { method, target, version, contentLength, transferEncoding } = this;
    const hasBody =
      transferEncoding !== undefined || (contentLength !== undefined && Number(contentLength) > 0);
    if (this.events.onRequestHead({ method, target, version, fields, hasBody })) {
      this.dataAtOnce();
      return Framing.UntilClose;
    }
    if (transferEncoding === undefined) return contentLength === undefined ? Framing.None : Framing.Length;
    // Nobody can tell where another encoding ends, or one that has a length beside it.
    const sized = contentLength !== undefined && !this.chunkedLength;
    if (sized || transferEncoding.toLowerCase() !== "chunked") this.stop();
    return Framing.Chunked;
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
