import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import type { AddressInfo } from "node:net";

export interface Http2Upstream {
  port: number;
  server: Http2Server;
  sessions: ServerHttp2Session[];
  /** Header lists of the requests so far, flat. */
  requests: string[][];
  close(): Promise<void>;
}

/** An HTTP/2 server (prior knowledge) on an ephemeral port. */
export async function http2Upstream(
  handler: (stream: ServerHttp2Stream, headers: string[]) => void,
  settings: Settings = {},
): Promise<Http2Upstream> {
  const server = createServer({ settings });
  const sessions: ServerHttp2Session[] = [];
  const requests: string[][] = [];
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream, _headers, _flags, raw: string[]) => {
    stream.on("error", () => {});
    requests.push(raw);
    handler(stream, raw);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    server,
    sessions,
    requests,
    async close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
