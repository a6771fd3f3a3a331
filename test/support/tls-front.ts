import { once } from "node:events";
import type { AddressInfo, Server as NetServer } from "node:net";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";

/** What a client of a server said in its handshake. */
export interface Greeting {
  servername: string | false;
  /** Agreed on; false when there was nothing to agree on. */
  alpn: string | false;
  version: string | null;
  resumed: boolean;
  /** Subject alternative names of the client's certificate. */
  names: string | undefined;
}

/** TLS in front of a server that knows nothing of it. */
export class TlsFront {
  readonly greetings: Greeting[] = [];
  /** Why handshakes failed. */
  readonly failures: string[] = [];
  readonly #sockets = new Set<TLSSocket>();

  private constructor(private readonly server: Server) {}

  static async start(behind: Pick<NetServer, "emit">, options: TlsOptions): Promise<TlsFront> {
    const server = createServer({ rejectUnauthorized: false, ...options, noDelay: true });
    const front = new TlsFront(server);
    server.on("secureConnection", (socket) => {
      front.#sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => front.#sockets.delete(socket));
      front.greetings.push({
        servername: (socket as TLSSocket & { servername: string | false }).servername,
        alpn: socket.alpnProtocol ?? false,
        version: socket.getProtocol(),
        resumed: socket.isSessionReused(),
        names: socket.getPeerX509Certificate()?.subjectAltName,
      });
      behind.emit("connection", socket);
    });
    server.on("tlsClientError", (error: NodeJS.ErrnoException) =>
      front.failures.push(error.code ?? "closed"),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return front;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
