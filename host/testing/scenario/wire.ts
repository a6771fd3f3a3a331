import type { IncomingMessage, OutgoingMessage } from "node:http";
import type { HeaderTable } from "./schema";

/** A message as one side saw it; names in lower case, values read as UTF-8. */
export interface SeenMessage {
  headers: [name: string, value: string][];
  body: string;
  trailers: [name: string, value: string][];
}

/** Lines of a header table, for node:http: text as UTF-8 bytes in Latin-1. */
export function lines(table: HeaderTable = {}): [name: string, value: string][] {
  return Object.entries(table).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each): [string, string] => [
      name,
      Buffer.from(each).toString("latin1"),
    ]),
  );
}

function pairs(raw: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2)
    found.push([raw[i]!.toLowerCase(), Buffer.from(raw[i + 1]!, "latin1").toString()]);
  return found;
}

/** Reads a message to its end; one that is cut rejects. */
export async function receive(message: IncomingMessage): Promise<SeenMessage> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return {
    headers: pairs(message.rawHeaders),
    body: Buffer.concat(chunks).toString(),
    trailers: pairs(message.rawTrailers),
  };
}

export interface SentBody {
  body?: string | string[] | undefined;
  trailers?: HeaderTable | undefined;
}

/** Sends a chunk plan, each chunk in a packet of its own as far as that can be had, then trailers. */
export async function send(to: OutgoingMessage, { body = [], trailers }: SentBody): Promise<void> {
  const chunks = typeof body === "string" ? [body] : body;
  for (const chunk of chunks.slice(0, -1)) {
    await new Promise<void>((resolve) => to.write(chunk, () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (trailers) to.addTrailers(lines(trailers));
  to.end(chunks.at(-1) ?? "");
}
