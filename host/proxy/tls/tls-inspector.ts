import type { Socket } from "node:net";
import type { StatCounter, StatsStore } from "../stats/store";
import { type ClientHello, MAX_HELLO, readClientHello } from "./client-hello";

const COUNTERS = [
  "alpn_found",
  "alpn_not_found",
  "client_hello_too_large",
  "sni_found",
  "sni_not_found",
  "tls_found",
  "tls_not_found",
] as const;

/** `tls_inspector.*`, of all listeners together. */
export class InspectorStats {
  readonly counters: Readonly<Record<(typeof COUNTERS)[number], StatCounter>>;

  constructor(store: StatsStore) {
    this.counters = Object.fromEntries(
      COUNTERS.map((name) => [name, store.counter(`tls_inspector.${name}`)]),
    ) as Record<(typeof COUNTERS)[number], StatCounter>;
  }

  /** What a client has said first; undefined = no TLS. */
  seen(hello: ClientHello | undefined): void {
    const { counters } = this;
    if (!hello) {
      counters.tls_not_found.inc();
      return;
    }
    counters.tls_found.inc();
    (hello.serverName === "" ? counters.sni_not_found : counters.sni_found).inc();
    (hello.protocols.length === 0 ? counters.alpn_not_found : counters.alpn_found).inc();
  }
}

/**
 * Looks at what a client says first, and leaves it to be read by whom it concerns. `done` hears of a client of TLS, or of
 * one of something else (undefined); not of one that is gone before that can be told. The answer takes the inspection
 * back: nothing is heard any more.
 */
export function inspect(
  socket: Socket,
  done: (hello: ClientHello | undefined) => void,
  tooLarge: () => void,
): () => void {
  let seen: Buffer = Buffer.alloc(0);
  const look = () => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const hello = readClientHello(seen);
    if (hello === "more" && seen.length < MAX_HELLO) return;
    stop();
    if (hello === "more") return tooLarge();
    done(hello === "other" ? undefined : hello);
  };
  const gone = () => {
    stop();
    socket.destroy();
  };
  const stop = () => {
    socket.off("readable", look);
    socket.off("end", gone);
    if (seen.length > 0 && !socket.destroyed) socket.unshift(seen);
    seen = Buffer.alloc(0);
  };
  socket.on("readable", look);
  socket.once("end", gone);
  return stop;
}
