import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Step } from "./schema";
import { lines, receive, type SeenMessage, send } from "./wire";

/** A response as the client saw it. */
export interface SeenResponse extends SeenMessage {
  status: number;
}

/** Past this nobody waits for a response any longer. */
const TIMEOUT_MS = 30_000;

/** Sends a step's request on a connection of its own; `cut` instead of a response that did not come whole. */
export async function exchange(port: number, { request }: Step): Promise<SeenResponse | "cut"> {
  const { method, path, host, headers, body, trailers } = request;
  const own = Object.keys(headers ?? {}).map((name) => name.toLowerCase());
  const framing: [string, string][] =
    own.includes("content-length") || own.includes("transfer-encoding") || (body === undefined && !trailers)
      ? []
      : typeof body === "string" && !trailers
        ? [["content-length", String(Buffer.byteLength(body))]]
        : [["transfer-encoding", "chunked"]];
  const all = [["host", host], ...lines(headers), ...framing, ["connection", "close"]];
  const sent = httpRequest({ port, host: "127.0.0.1", method, path, headers: all.flat(), agent: false });
  let closed: Promise<void> = Promise.resolve();
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    sent.once("error", reject);
    closed = new Promise((done) => sent.once("close", done));
    sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error("timeout")));
  });
  try {
    await send(sent, { body, trailers });
    const message = await response;
    const seen = await receive(message);
    // Once the proxy has closed the connection it has logged the request too.
    await closed;
    return { status: message.statusCode!, ...seen };
  } catch {
    return "cut";
  }
}
