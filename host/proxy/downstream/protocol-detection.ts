import type { Socket } from "node:net";

export type Protocol = "HTTP1" | "HTTP2";

/** How every HTTP/2 connection begins, as far as Envoy looks. */
const PREFACE = Buffer.from("PRI * HTTP/2", "latin1");

/** What the first bytes of a connection speak; undefined while they leave it open. */
export function protocolOf(bytes: Buffer): Protocol | undefined {
  const length = Math.min(bytes.length, PREFACE.length);
  if (bytes.compare(PREFACE, 0, length, 0, length) !== 0) return "HTTP1";
  return length === PREFACE.length ? "HTTP2" : undefined;
}

/** Looks at what a client says first, and leaves it to be read by whom it concerns. Silent when there is nothing. */
export function detectProtocol(
  socket: Socket,
  choose: (bytes: Buffer) => Protocol | undefined,
  onKnown: (protocol: Protocol) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const look = () => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const protocol = choose(seen);
    if (protocol === undefined) return;
    socket.off("readable", look);
    socket.off("end", giveUp);
    socket.unshift(seen);
    onKnown(protocol);
  };
  const giveUp = () => socket.end();
  socket.on("readable", look);
  socket.once("end", giveUp);
}
