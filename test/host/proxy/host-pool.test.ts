import { Duplex } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Connector, PooledSocket } from "../../../host/proxy/clusters/connector";
import { type ChannelUser, HostPool } from "../../../host/proxy/clusters/host-pool";
import type { Http1Channel } from "../../../host/proxy/clusters/http1-channel";
import { cluster } from "./support/bootstrap";

/** A connection that comes about, or not, when the test says so. */
class FakeSocket extends Duplex {
  established = false;
  served = 0;
  timeout = 0;
  override _read(): void {}
  override _write(_: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
  setTimeout(ms: number): this {
    this.timeout = ms;
    return this;
  }
}

/** Makes connections up to a limit; a host without any gets one. */
class FakeConnector {
  readonly open = new Set<FakeSocket>();
  constructor(private readonly most: number) {}
  mayConnect(): boolean {
    return this.open.size < this.most || this.open.size === 0;
  }
  connect(): PooledSocket {
    const socket = new FakeSocket();
    this.open.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.open.delete(socket));
    return socket as unknown as PooledSocket;
  }
  retireAll(): void {}
  closeIdle(): void {}
  destroy(): void {}
}

class User {
  channel: Http1Channel | undefined;
  state: "waiting" | "served" | "over" = "waiting";
  readonly pool: HostPool;
  constructor(pool: HostPool) {
    this.pool = pool;
    pool.request(this as unknown as ChannelUser);
  }
  onChannel(channel: Http1Channel): void {
    expect(this.state).toBe("waiting");
    this.channel = channel;
    this.state = "served";
    const socket = channel.socket as unknown as FakeSocket;
    expect(socket.established).toBe(true);
    socket.served++;
  }
  onClosed(): void {
    expect(this.state).not.toBe("over");
    this.state = "over";
  }
  onBug(error: unknown): void {
    throw error;
  }
  finish(): void {
    this.state = "over";
    this.pool.release(this.channel!);
  }
  giveUp(): void {
    this.state = "over";
    this.pool.forget(this as unknown as ChannelUser);
  }
}

/** What can happen, to the first, second, ... of those that it can happen to. */
const STEPS = ["request", "establish", "refuse", "finish", "give up", "close idle", "close busy"] as const;

test("whatever happens: the limit holds, nobody waits beside a free connection, and nobody is forgotten", async () => {
  const step = fc.tuple(fc.constantFrom(...STEPS), fc.nat(9));
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 3 }),
      async (steps, most, perConnection) => {
        const connector = new FakeConnector(most);
        const config = { ...cluster("app", 1), maxRequestsPerConnection: perConnection };
        const pool = new HostPool(connector as unknown as Connector, config);
        const users: User[] = [];
        const busy = () => new Set(users.flatMap((u) => (u.state === "served" ? [u.channel!.socket] : [])));
        const sockets = {
          connecting: () => [...connector.open].filter((s) => !s.established && !s.destroyed),
          idle: () =>
            [...connector.open].filter(
              (s) => s.established && !s.destroyed && !busy().has(s as unknown as PooledSocket),
            ),
        };
        const by = (state: User["state"]) => users.filter((u) => u.state === state);
        const at = <T>(all: readonly T[], n: number): T | undefined => all[n % all.length];
        const carryOut: Record<(typeof STEPS)[number], (n: number) => void> = {
          request: () => users.push(new User(pool)),
          establish: (n) => {
            const socket = at(sockets.connecting(), n);
            if (!socket) return;
            socket.established = true;
            socket.emit("established");
          },
          refuse: (n) => void at(sockets.connecting(), n)?.destroy(new Error("refused")),
          finish: (n) => at(by("served"), n)?.finish(),
          "give up": (n) => at(by("waiting"), n)?.giveUp(),
          "close idle": (n) => void at(sockets.idle(), n)?.destroy(),
          "close busy": (n) => void at(by("served"), n)?.channel?.socket.destroy(),
        };
        const settled = () => new Promise((resolve) => setImmediate(resolve));
        for (const [name, n] of steps) {
          carryOut[name](n);
          await settled();
          expect(connector.open.size).toBeLessThanOrEqual(Math.max(1, most));
          if (by("waiting").length > 0) {
            expect(pool.hasRoom).toBe(false);
            expect(connector.open.size).toBeGreaterThan(0);
          }
          // A connection has one request at a time.
          expect(busy().size).toBe(by("served").length);
        }
        for (let round = 0; by("over").length < users.length; round++) {
          expect(round).toBeLessThan(1000);
          carryOut.establish(0);
          carryOut.finish(0);
          await settled();
        }
        expect(by("over")).toHaveLength(users.length);
      },
    ),
    { numRuns: 200 },
  );
});

test("who has waited longest is first, on whichever connection is ready", async () => {
  const connector = new FakeConnector(2);
  const pool = new HostPool(connector as unknown as Connector, cluster("app", 1));
  const [first, second, third] = [new User(pool), new User(pool), new User(pool)];
  const [one, other] = [...connector.open];
  other!.established = true;
  other!.emit("established");
  expect([first!.state, second!.state, third!.state]).toEqual(["served", "waiting", "waiting"]);
  first!.finish();
  expect(second!.channel!.socket).toBe(other);
  one!.established = true;
  one!.emit("established");
  expect(third!.channel!.socket).toBe(one);
});

test("a host that cannot be reached is so for all who wait", async () => {
  const connector = new FakeConnector(2);
  const pool = new HostPool(connector as unknown as Connector, cluster("app", 1));
  const users = [new User(pool), new User(pool), new User(pool)];
  [...connector.open][1]!.destroy(new Error("refused"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(users.map(({ state }) => state)).toEqual(["over", "over", "over"]);
  expect(connector.open.size).toBe(1);
});
