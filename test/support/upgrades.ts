import { once } from "node:events";
import type { Behaviour } from "./conformance";
import type { ReplyWriter, UpstreamHandler } from "./raw-upstream";
import { TcpPeer } from "./tcp-peer";

/** Tells of every callback, and at the end what the stream was. */
export const TRACE = `trace
on request_headers
request = pairs 0
on response_headers
response = pairs 2
on log
code = prop-int response code
details = prop response code_details
flags = prop-int response flags
sizes = prop-int request size
size = prop-int response size`;

/** A request for an upgrade. */
export function asking(path: string, upgrade = "websocket", more = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nX-A: b\r\n${more}\r\n`;
}

/** The head of a host's word that grants a WebSocket, but for its last line. */
export const GRANTED =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-U: 1\r\n";

/** Grants every upgrade, greets, and from then on does what it is told. */
export async function switching({ socket }: ReplyWriter, greeting = "hi"): Promise<void> {
  socket.on("data", (data: Buffer) => {
    const word = data.toString("latin1");
    if (word === "end") socket.end();
    else if (word === "reset") socket.resetAndDestroy();
    else socket.write(`echo:${word}`);
  });
  socket.write(`${GRANTED}\r\n${greeting}`);
  await once(socket, "close");
}

/** Grants every upgrade. */
export const grants: UpstreamHandler = (_, reply) => switching(reply);

/** The callbacks of the newest stream, without context numbers. */
export async function callbacks(b: Behaviour): Promise<string[]> {
  const all = (await b.messages()).filter((line) => line.startsWith("> "));
  const from = all.findLastIndex((line) => line.startsWith("> context_create"));
  return all.slice(from + 1).map((line) => line.replace(/^> (\w+) \d+/, "$1"));
}

/** Asks for an upgrade and resolves once what was said has come. */
export async function upgraded(b: Behaviour, head = "hi", request = asking("/")): Promise<TcpPeer> {
  const peer = await TcpPeer.connect(b.port);
  peer.write(request);
  await until(() => peer.text.includes("\r\n\r\n") && peer.text.endsWith(head));
  return peer;
}

/** Resolves once it has come to that. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error("it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What stands behind a message's head. */
export const body = (text: string) => text.slice(text.indexOf("\r\n\r\n") + 4);
