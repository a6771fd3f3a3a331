import { type Fault, Framing, MessageReader, type RawFields } from "./message-reader";

/** What an exchange hears of its response. */
export interface ResponseEvents {
  /** Of the request that is being answered. */
  readonly isHead: boolean;
  /** 100 to 199, but 101: more will come. */
  onInformation(status: number, fields: RawFields): void;
  onResponseHead(start: ResponseStart): void;
  onResponseBody(bytes: Buffer): void;
  onResponseEnd(trailers: RawFields | undefined): void;
  onResponseFault(fault: Fault): void;
}

/** The head of a response as it stands on the wire. */
export interface ResponseStart {
  readonly status: number;
  /** HTTP/1.0. */
  readonly old: boolean;
  readonly fields: RawFields;
  readonly hasBody: boolean;
  /** The end of the connection is the end of the body. */
  readonly untilClose: boolean;
  /** Nothing behind it is HTTP. */
  readonly switches: boolean;
}

const STATUS_LINE = /^HTTP\/(0\.9|1\.0|1\.1|2\.0) (\d{3})(?: |$)/;

/** Reads a host's responses. */
export class ResponseReader extends MessageReader {
  private status = 0;
  private old = false;
  private informational = false;

  constructor(
    private events: ResponseEvents,
    maxHeadBytes: number,
  ) {
    super(maxHeadBytes, false);
  }

  /** The next response is another exchange's. */
  listen(events: ResponseEvents): void {
    this.events = events;
  }

  protected startLine(line: string): Fault | undefined {
    const found = STATUS_LINE.exec(line);
    if (!found) return "syntax";
    this.old = found[1] === "1.0" || found[1] === "0.9";
    this.status = Number(found[2]);
    return undefined;
  }

  protected head(fields: RawFields): Framing {
    const { status, old, events } = this;
    this.informational = status >= 100 && status < 200 && status !== 101;
    if (this.informational) {
      events.onInformation(status, fields);
      return Framing.None;
    }
    // A length beside an encoding could be read in two ways.
    if (this.contentLength !== undefined && this.transferEncoding !== undefined) {
      this.refuse("syntax");
      return Framing.None;
    }
    const switches = status === 101 && asksToSwitch(fields);
    const framing = switches ? Framing.UntilClose : this.framing();
    if (switches) this.dataAtOnce();
    const untilClose = framing === Framing.UntilClose;
    const hasBody =
      framing !== Framing.None && !(framing === Framing.Length && Number(this.contentLength) === 0);
    events.onResponseHead({ status, old, fields, hasBody, untilClose, switches });
    return framing;
  }

  private framing(): Framing {
    const { status, contentLength, transferEncoding } = this;
    if (this.events.isHead || status === 101 || status === 204 || status === 304) return Framing.None;
    if (transferEncoding !== undefined) return Framing.Chunked;
    return contentLength === undefined ? Framing.UntilClose : Framing.Length;
  }

  protected data(bytes: Buffer): void {
    this.events.onResponseBody(bytes);
  }

  protected end(trailers: RawFields | undefined): void {
    if (!this.informational) this.events.onResponseEnd(trailers);
  }

  protected fault(fault: Fault): void {
    this.events.onResponseFault(fault);
  }
}

const UPGRADE_TOKEN = /(?:^|[, \t])upgrade(?:[, \t]|$)/i;

function asksToSwitch(fields: RawFields): boolean {
  let upgrade = false;
  let said = false;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === "upgrade") upgrade = true;
    else if (fields[i] === "connection") said ||= UPGRADE_TOKEN.test(fields[i + 1]!);
  }
  return upgrade && said;
}
