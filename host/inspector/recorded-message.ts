import type { HeaderMap } from "../stores/header-map";
import { bodyText, pairsText } from "./bytes-view";
import { LIMITS } from "./limits";
import type { MessageView, Pair } from "./model";

/** A request or response at one place of its way; its bytes as they were, up to a limit. */
export class RecordedMessage {
  headers: Pair[] | undefined;
  trailers: Pair[] | undefined;
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  /** Bytes of the whole body, kept or not. */
  bytes = 0;
  ended = false;

  begin(map: HeaderMap, end: boolean): void {
    this.headers = [...map];
    this.ended = end;
  }

  append(data: Buffer, end: boolean): void {
    this.bytes += data.length;
    this.ended = end;
    const room = LIMITS.body - this.#kept;
    if (room <= 0 || data.length === 0) return;
    const kept = Buffer.from(data.subarray(0, room));
    this.#chunks.push(kept);
    this.#kept += kept.length;
  }

  finish(map: HeaderMap): void {
    this.trailers = [...map];
    this.ended = true;
  }

  /** The first value of a header. */
  get(name: string): string | undefined {
    return this.headers?.find(([each]) => each === name)?.[1];
  }

  /** The body; undefined when it was too long to keep. */
  get body(): Buffer | undefined {
    return this.bytes > this.#kept ? undefined : Buffer.concat(this.#chunks);
  }

  view(hide: (name: string) => boolean): MessageView {
    return {
      ...(this.headers && { headers: pairsText(this.headers, hide) }),
      ...(this.bytes > 0 && { body: bodyText(Buffer.concat(this.#chunks), this.bytes) }),
      ...(this.trailers && { trailers: pairsText(this.trailers, hide) }),
    };
  }
}
