import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** From 0 to below 1. */
export type Random = () => number;

/** A stretch of wire that breaks: in front of a server that does not. */
export class ChaosRelay {
  readonly #sockets = new Set<Socket>();
  /** Connections that were ended by force. */
  broken = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
    private readonly random: Random,
  ) {
    server.on("connection", (socket) => this.#relay(socket));
  }

  static async start(target: number, random: Random): Promise<ChaosRelay> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const relay = new ChaosRelay(server, target, random);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return relay;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  #relay(near: Socket): void {
    const far = connect({ port: this.target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (data) => {
        if (to.write(data)) return;
        from.pause();
        to.once("drain", () => from.resume());
      });
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroySoon();
      });
    }
    this.#seal(near, far);
  }

  /** One connection in three ends by force, some while a message passes; one in five is slow for a while. */
  #seal(near: Socket, far: Socket): void {
    const { random } = this;
    const fate = random();
    const reset = random() < 0.5;
    const kill = () => {
      if (near.destroyed) return;
      this.broken++;
      if (reset) near.resetAndDestroy();
      else near.destroy();
      far.destroy();
    };
    if (fate < 0.15) this.#later(near, kill, random() * 400);
    else if (fate < 0.33) {
      let left = Math.floor(random() ** 3 * 200_000);
      far.on("data", (data) => {
        left -= data.length;
        if (left <= 0) kill();
      });
    } else if (fate < 0.53)
      this.#later(
        near,
        () => {
          near.pause();
          far.pause();
          this.#later(
            near,
            () => {
              near.resume();
              far.resume();
            },
            random() * 150,
          );
        },
        random() * 200,
      );
  }

  #later(socket: Socket, run: () => void, ms: number): void {
    const timer = setTimeout(run, ms);
    socket.once("close", () => clearTimeout(timer));
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, "close");
  }
}
