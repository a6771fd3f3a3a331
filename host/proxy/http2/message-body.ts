import { constants, type Http2Stream } from "node:http2";
import { HeaderMap } from "../../stores/header-map";
import type { HeaderMapKind } from "../../stores/inline-headers";
import { contained, type OnBug } from "../contain";

const EMPTY = Buffer.alloc(0);

/** Hears what follows the head of a message. */
export interface BodyListener {
  onData(chunk: Buffer, endStream: boolean): void;
  onTrailers(trailers: HeaderMap): void;
  onBug(error: unknown): void;
}

/**
 * What follows the head of a message. A chunk waits for the end of the loop's turn before it is delivered: by then
 * node:http2 has told whether its frame was the last, and the end of the stream goes with it.
 */
export class MessageBody {
  private held: Buffer | undefined;
  private trailers: HeaderMap | undefined;
  private scheduled = false;
  private paused = false;
  private over = false;

  constructor(
    private readonly stream: Http2Stream,
    private readonly kind: HeaderMapKind,
    readonly listener: BodyListener,
  ) {
    const onBug: OnBug = (error) => listener.onBug(error);
    stream.on(
      "data",
      contained((chunk: Buffer) => this.onData(chunk), onBug),
    );
    // The types leave out the list as it was on the wire.
    stream.on(
      "trailers",
      contained((...event: unknown[]) => this.onTrailers(event[2] as string[]), onBug),
    );
    stream.on(
      "end",
      contained(() => this.onEnd(), onBug),
    );
  }

  private onData(chunk: Buffer): void {
    this.flush();
    this.held = chunk;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.paused || this.held === undefined) return;
    this.scheduled = true;
    setImmediate(flushBody, this);
  }

  /** The turn of the loop is over. */
  onTurn(): void {
    this.scheduled = false;
    if (!this.paused) this.flush();
  }

  private flush(): void {
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    if (!this.over) this.listener.onData(held, false);
  }

  private onTrailers(raw: readonly string[]): void {
    this.trailers = headerMap(this.kind, raw);
  }

  private onEnd(): void {
    // node:http2 ends the body of a stream that is cut, too.
    if (this.over || this.stream.aborted || this.stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    const { trailers } = this;
    if (trailers) this.flush();
    this.over = true;
    const last = this.held ?? EMPTY;
    this.held = undefined;
    if (trailers) this.listener.onTrailers(trailers);
    else this.listener.onData(last, true);
  }

  /** The stream was cut: nothing more is delivered. */
  stop(): void {
    this.over = true;
    this.held = undefined;
  }

  pause(paused: boolean): void {
    this.paused = paused;
    if (paused) this.stream.pause();
    else {
      this.stream.resume();
      this.schedule();
    }
  }
}

function flushBody(body: MessageBody): void {
  try {
    body.onTurn();
  } catch (error) {
    body.listener.onBug(error);
  }
}

/** A raw header list (name, value, name, value, ...) as a map. */
export function headerMap(kind: HeaderMapKind, raw: readonly string[]): HeaderMap {
  const map = new HeaderMap(kind);
  for (let i = 0; i < raw.length; i += 2) map.add(raw[i]!, raw[i + 1]!);
  return map;
}
