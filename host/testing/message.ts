import type { HeaderMap } from "../stores/header-map";
import { HeaderView } from "./headers";

/** One direction of an exchange as it came out of the filters. */
export class Message {
  headers: HeaderView | undefined;
  trailers: HeaderView | undefined;
  /** Body chunks in the order they came out. */
  readonly chunks: Buffer[] = [];
  /** Its end has come out too. */
  complete = false;

  /** The whole body so far. */
  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** The body read as UTF-8. */
  get text(): string {
    return this.body.toString();
  }

  /** `:status` of a response. */
  get status(): number | undefined {
    const status = this.headers?.get(":status");
    return status === undefined ? undefined : Number(status);
  }

  /** @internal */
  takeHeaders(map: HeaderMap, end: boolean): void {
    this.headers = new HeaderView(map);
    this.complete = end;
  }

  /** @internal */
  takeData(chunk: Buffer, end: boolean): void {
    if (chunk.length > 0) this.chunks.push(Buffer.from(chunk));
    this.complete = end;
  }

  /** @internal */
  takeTrailers(map: HeaderMap): void {
    this.trailers = new HeaderView(map);
    this.complete = true;
  }
}
