import type { Socket } from "node:net";
import { contained, type OnBug } from "../contain";

/** Hears what happens on a connection that has left HTTP. */
export interface SwitchedEvents {
  onData(chunk: Buffer): void;
  /** It takes bytes again after `write` answered false. */
  onDrain(): void;
  /** The host has ended it, in order or not. Nothing follows. */
  onEnded(): void;
  onBug: OnBug;
}

/** A connection to a host that has left HTTP: bytes both ways. */
export class SwitchedSocket {
  private over = false;

  constructor(
    private readonly socket: Socket,
    private readonly events: SwitchedEvents,
  ) {
    const { onBug } = events;
    socket.on(
      "data",
      contained((chunk: Buffer) => this.over || events.onData(chunk), onBug),
    );
    socket.on(
      "drain",
      contained(() => this.over || events.onDrain(), onBug),
    );
    const onEnded = contained(() => this.end(), onBug);
    socket.on("error", onEnded);
    socket.once("end", onEnded);
    socket.once("close", onEnded);
  }

  /** Half a connection is of no use. */
  private end(): void {
    if (this.over) return;
    this.cut();
    this.events.onEnded();
  }

  write(chunk: Buffer): boolean {
    return this.socket.write(chunk);
  }

  pause(paused: boolean): void {
    if (paused) this.socket.pause();
    else this.socket.resume();
  }

  /** Closes at once; no event follows. */
  cut(): void {
    this.over = true;
    this.socket.destroy();
  }
}
