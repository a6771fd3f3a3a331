import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Traffic } from "./traffic";

const HEAD_END = Buffer.from("\r\n\r\n");

/** One kept connection that asks the same thing over and over: as little work as a client can do. */
class Connection {
  private got = 0;
  /** Bytes of the response that is arriving; 0 = its head is still to come. */
  private size = 0;
  onResponse: () => void = () => {};

  constructor(
    readonly socket: Socket,
    private readonly request: Buffer,
    onError: (error: Error) => void,
  ) {
    socket.on("data", (chunk) => {
      try {
        this.onData(chunk);
      } catch (error) {
        onError(error as Error);
      }
    });
    socket.on("error", onError);
    socket.on("end", () => onError(new Error("the connection was closed")));
  }

  send(): void {
    this.socket.write(this.request);
  }

  private onData(chunk: Buffer): void {
    if (this.size === 0) this.size = responseSize(chunk);
    this.got += chunk.length;
    if (this.got < this.size) return;
    if (this.got > this.size) throw new Error("more than one response");
    this.got = 0;
    this.size = 0;
    this.onResponse();
  }
}

/** Length of a response, by its head, which the first read brings whole. */
function responseSize(chunk: Buffer): number {
  const end = chunk.indexOf(HEAD_END);
  const head = chunk.toString("latin1", 0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head);
  if (end < 0 || !head.startsWith("HTTP/1.1 200 ") || !length) throw new Error(`not answered: ${head}`);
  return end + HEAD_END.length + Number(length[1]);
}

/** Keep-alive connections, each of which asks anew when it was answered. */
export class Http1Load {
  private failed: (error: Error) => void = (error) => {
    throw error;
  };
  private readonly connections: Connection[] = [];

  static async open(port: number, traffic: Traffic, connections: number): Promise<Http1Load> {
    const load = new Http1Load();
    const request = requestOf(traffic);
    for (let i = 0; i < connections; i++) {
      const socket = connect(port, "127.0.0.1").setNoDelay();
      await once(socket, "connect");
      load.connections.push(new Connection(socket, request, (error) => load.failed(error)));
    }
    return load;
  }

  /** Sends that many requests; resolves when all are answered. */
  run(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let toSend = count;
      let toCome = count;
      this.failed = reject;
      for (const connection of this.connections) {
        const next = () => {
          if (toSend-- > 0) connection.send();
        };
        connection.onResponse = () => {
          if (--toCome === 0) resolve();
          else next();
        };
        next();
      }
    });
  }

  close(): void {
    this.failed = () => {};
    for (const { socket } of this.connections) socket.destroy();
  }
}

function requestOf({ method, path, headers, body }: Traffic): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, "host: bench.example"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body.length > 0) lines.push(`content-length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}
