import type { ServerHttp2Stream } from "node:http2";
import { HeaderMap } from "../../../stores/header-map";
import type { CodecStreamEvents } from "../codec";

const EMPTY = Buffer.alloc(0);

/**
 * What follows the head of a request. A chunk waits for the end of the loop's turn before it is delivered: by then
 * node:http2 has told whether its frame was the last, and the end of the stream goes with it.
 */
export class RequestBody {
  private held: Buffer | undefined;
  private trailers: HeaderMap | undefined;
  private scheduled = false;
  private paused = false;
  private over = false;

  constructor(
    private readonly stream: ServerHttp2Stream,
    private readonly events: CodecStreamEvents,
  ) {
    stream.on("data", (chunk: Buffer) => this.onData(chunk));
    stream.on("trailers", (...event: unknown[]) => this.onTrailers(event[2] as string[]));
    stream.on("end", () => this.onEnd());
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
    if (!this.over) this.events.onRequestData(held, false);
  }

  private onTrailers(raw: readonly string[]): void {
    this.trailers = new HeaderMap("request-trailers");
    for (let i = 0; i < raw.length; i += 2) this.trailers.add(raw[i]!, raw[i + 1]!);
  }

  private onEnd(): void {
    // A reset with NO_ERROR looks like an end to node:http2.
    if (this.over || this.stream.closed) return;
    const { trailers } = this;
    if (trailers) this.flush();
    this.over = true;
    const last = this.held ?? EMPTY;
    this.held = undefined;
    if (trailers) this.events.onRequestTrailers(trailers);
    else this.events.onRequestData(last, true);
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

function flushBody(body: RequestBody): void {
  body.onTurn();
}
