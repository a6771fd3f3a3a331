import { type AddressInfo, createServer, type Server, type ServerOpts, type Socket } from "node:net";
import { type ListenAddress, listen } from "./listen";

/** A bound address. It outlives the listener that serves it: a new one takes it over with the connections to come. */
export class BoundPort {
  private readonly server: Server;
  private serve: (socket: Socket) => void;

  constructor(
    private readonly options: ServerOpts,
    serve: (socket: Socket) => void,
  ) {
    this.serve = serve;
    this.server = createServer({ allowHalfOpen: true, noDelay: true, ...options });
    this.server.on("connection", (socket) => this.serve(socket));
  }

  /** Binds; rejects with StartError. */
  async bind(at: ListenAddress, what: string): Promise<void> {
    await listen(this.server, at, what);
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.server.address() as AddressInfo;
    return { host: address, port };
  }

  /** Are sockets made here as another listener wants them? */
  makes({ pauseOnConnect = false, highWaterMark }: ServerOpts): boolean {
    const own = this.options;
    return (own.pauseOnConnect ?? false) === pauseOnConnect && own.highWaterMark === highWaterMark;
  }

  /** Connections from now on are another listener's. */
  handOver(serve: (socket: Socket) => void): void {
    this.serve = serve;
  }

  close(): void {
    this.server.close();
  }
}
