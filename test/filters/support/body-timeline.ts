import { once } from "node:events";
import { connect } from "node:net";
import type { RawHeaders } from "../../support/http-message";
import { RawClient } from "../../support/raw-client";

/** How a response's body came: what of it, when, and how it ended. */
export interface Timeline {
  headers: RawHeaders;
  body: string;
  trailers: RawHeaders;
  /** Milliseconds from the request to the end. */
  ms: number;
  /** False when the connection ended inside the body. */
  complete: boolean;
}

/** One request on a connection of its own. */
export async function timeline(port: number, path: string, headers: RawHeaders = []): Promise<Timeline> {
  const client = await RawClient.connect(port);
  const start = performance.now();
  const response = await client.exchange({ path, headers });
  const ms = performance.now() - start;
  client.close();
  const { body, trailers, complete } = response;
  return { headers: response.headers, body: body.toString("latin1"), trailers, ms, complete };
}

/** How many bytes of the body, which has the letters g to p, arrive before there is nothing more for `quiet` milliseconds. */
export async function bytesBeforeSilence(port: number, path: string, quiet: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: test.example\r\n\r\n`);
  let text = "";
  await new Promise<void>((resolve, reject) => {
    let timer: NodeJS.Timeout;
    socket.on("error", reject);
    socket.on("data", (data) => {
      text += data.toString("latin1");
      clearTimeout(timer);
      timer = setTimeout(resolve, quiet);
    });
  });
  socket.destroy();
  // Frames of chunks have none of them.
  return text.slice(text.indexOf("\r\n\r\n")).match(/[g-p]/g)?.length ?? 0;
}
