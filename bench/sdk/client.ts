import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Keep-alive connections that ask the same thing over and over: as little work as a client can do. */
export class Client {
  private responseSize = 0;

  private constructor(
    private readonly sockets: readonly Socket[],
    private readonly request: Buffer,
  ) {}

  static async open(port: number, request: string, connections = 4): Promise<Client> {
    const sockets = Array.from({ length: connections }, () => connect(port, "127.0.0.1").setNoDelay());
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    const client = new Client(sockets, Buffer.from(request, "latin1"));
    for (const socket of sockets) await client.first(socket);
    return client;
  }

  /** The text of one response. */
  async ask(): Promise<string> {
    const [socket] = this.sockets;
    socket!.write(this.request);
    const [chunk] = (await once(socket!, "data")) as [Buffer];
    return chunk.toString("latin1");
  }

  /** Sends that many requests, each after the response of the one before it on its connection. */
  run(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let toSend = count;
      let toCome = count;
      for (const socket of this.sockets) {
        let got = 0;
        const next = () => {
          if (toSend === 0) return;
          toSend--;
          socket.write(this.request);
        };
        const onData = (chunk: Buffer) => {
          got += chunk.length;
          if (got < this.responseSize) return;
          got = 0;
          if (--toCome === 0) {
            for (const each of this.sockets) each.removeAllListeners("data").removeAllListeners("error");
            resolve();
          } else next();
        };
        socket.on("data", onData);
        socket.once("error", reject);
        next();
      }
    });
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Learns how long a response is: they are all alike. */
  private async first(socket: Socket): Promise<void> {
    socket.write(this.request);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    const text = chunk.toString("latin1");
    if (!text.startsWith("HTTP/1.1 200 ") || text.includes("connection: close"))
      throw new Error(`not answered: ${text.slice(0, 80)}`);
    this.responseSize = chunk.length;
  }
}

export const GET = "GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1.0 (twenty)\r\n\r\n";
