import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import type { Traffic } from "./traffic";

/** Streams at a time on each connection. */
const STREAMS = 8;

/** HTTP/2 connections without TLS, each with so many streams under way. */
export class Http2Load {
  private readonly sessions: ClientHttp2Session[] = [];

  private constructor(private readonly traffic: Traffic) {}

  static async open(port: number, traffic: Traffic, streams: number): Promise<Http2Load> {
    const load = new Http2Load(traffic);
    for (let i = 0; i < streams / STREAMS; i++) {
      const session = connect(`http://127.0.0.1:${port}`);
      session.on("error", () => {});
      await once(session, "connect");
      load.sessions.push(session);
    }
    return load;
  }

  /** Sends that many requests; resolves when all are answered. */
  run(count: number): Promise<void> {
    const { method, path, headers, body } = this.traffic;
    const head = { ":method": method, ":path": path, ":authority": "bench.example", ...headers };
    const grpc = headers["content-type"] === "application/grpc";
    return new Promise((resolve, reject) => {
      let toSend = count;
      let toCome = count;
      const next = (session: ClientHttp2Session) => {
        if (toSend-- <= 0) return;
        const stream = session.request(head, { endStream: body.length === 0 });
        let ok = false;
        let bytes = 0;
        stream.on("response", (answer) => {
          ok = answer[":status"] === 200 && !grpc;
        });
        stream.on("trailers", (trailers) => {
          ok = trailers["grpc-status"] === "0";
        });
        stream.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
        });
        stream.on("error", reject);
        stream.on("end", () => {
          if (!ok || bytes === 0) reject(new Error("not answered"));
          else if (--toCome === 0) resolve();
          else next(session);
        });
        if (body.length > 0) stream.end(body);
      };
      for (const session of this.sessions) for (let i = 0; i < STREAMS; i++) next(session);
    });
  }

  close(): void {
    for (const session of this.sessions) session.destroy();
  }
}
