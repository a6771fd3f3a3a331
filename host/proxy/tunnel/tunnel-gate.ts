import type { HeaderMap } from "../../stores/header-map";
import type { Host } from "../clusters/cluster";
import type { PooledSocket } from "../clusters/connector";
import type { ResetReason, UpstreamEvents, UpstreamStream } from "../clusters/upstream-events";
import { isGranted } from "./upgrade-headers";

/** Bytes that are kept before the client has to wait. */
const MAX_HELD = 64 * 1024;

/** Keeps what a client sends ahead until the host has granted the tunnel; without that it is nobody's. */
export class TunnelGate implements UpstreamStream, UpstreamEvents {
  private readonly inner: UpstreamStream;
  private state: "shut" | "open" | "refused" = "shut";
  private held: Buffer[] = [];
  private heldBytes = 0;
  private ended = false;

  /** Throws what `open` throws. */
  constructor(
    private readonly type: string,
    private readonly events: UpstreamEvents,
    open: (events: UpstreamEvents) => UpstreamStream,
  ) {
    this.inner = open(this);
  }

  get host(): Host {
    return this.inner.host;
  }

  write(chunk: Buffer): boolean {
    if (this.state === "open") return this.inner.write(chunk);
    if (this.state === "refused" || chunk.length === 0) return true;
    this.held.push(chunk);
    this.heldBytes += chunk.length;
    return this.heldBytes < MAX_HELD;
  }

  end(): void {
    this.ended = true;
    if (this.state === "open") this.inner.end();
  }

  pause(paused: boolean): void {
    this.inner.pause(paused);
  }

  cancel(): void {
    this.inner.cancel();
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const granted = !endStream && isGranted(this.type, Number(headers.get(":status")), headers);
    const { held } = this;
    this.held = [];
    this.state = granted ? "open" : "refused";
    let flowing = true;
    if (granted) {
      for (const chunk of held) flowing = this.inner.write(chunk) && flowing;
      if (this.ended) this.inner.end();
    }
    if (flowing && this.heldBytes >= MAX_HELD) this.events.onUpstreamDrain();
    this.events.onUpstreamHeaders(headers, endStream);
  }

  onUpstreamReady(socket: PooledSocket): void {
    this.events.onUpstreamReady(socket);
  }

  onUpstreamInformation(status: number): void {
    this.events.onUpstreamInformation(status);
  }

  onUpstreamData(chunk: Buffer, endStream: boolean): void {
    this.events.onUpstreamData(chunk, endStream);
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    this.events.onUpstreamTrailers(trailers);
  }

  onUpstreamReset(reason: ResetReason, detail: string): void {
    this.events.onUpstreamReset(reason, detail);
  }

  onUpstreamDrain(): void {
    this.events.onUpstreamDrain();
  }

  onUpstreamBug(error: unknown): void {
    this.events.onUpstreamBug(error);
  }
}
