import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, expect, test } from "vitest";
import {
  type NetworkFilter,
  type NetworkFilterFactory,
  NetworkStatus,
} from "../../../host/stream/network-filter";
import { PeerType } from "../../../sdk/abi/peer-type";
import { TcpPeer, TcpUpstream } from "../../support/tcp-peer";
import { bootstrap, cluster, tcpListener } from "./support/bootstrap";
import { startProxy } from "./support/start-proxy";

const cleanups: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const KIB = 1024;
const MIB = 1024 * KIB;
const LIMIT = 32 * KIB;

async function start(upstream: TcpUpstream, limit = MIB, filters: readonly NetworkFilterFactory[] = []) {
  cleanups.push(() => upstream.close());
  const started = await startProxy(
    bootstrap(
      [tcpListener({}, { perConnectionBufferLimitBytes: limit })],
      [cluster("app", upstream.port, { perConnectionBufferLimitBytes: limit })],
    ),

    [{ http: [], loggers: [], network: filters }],
  );
  cleanups.push(() => started.proxy.kill());
  return started;
}

/** Writes until the other end stops taking it; answers how much was taken. */
async function fill(peer: TcpPeer): Promise<number> {
  const chunk = Buffer.alloc(64 * KIB, "x");
  for (let written = 0; ; written += chunk.length) {
    const taken = await new Promise<boolean>((resolve) => {
      const stuck = setTimeout(() => resolve(false), 300);
      peer.socket.write(chunk, () => {
        clearTimeout(stuck);
        resolve(true);
      });
    });
    if (!taken) return written;
  }
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes of buffers alive in this process, proxy and peers alike. */
function bufferBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

for (const direction of ["to the upstream", "to the client"])
  test(`a slow reader ${direction}: the proxy keeps little of what waits`, async () => {
    const upstream = await TcpUpstream.start();
    const { port } = await start(upstream, LIMIT);
    const pairs = await Promise.all(Array.from({ length: 8 }, () => TcpPeer.connect(port)));
    const behind = await Promise.all(pairs.map((_, i) => upstream.connection(i)));
    const [writers, readers] = direction === "to the upstream" ? [pairs, behind] : [behind, pairs];
    for (const reader of readers) reader.socket.pause();
    const before = bufferBytes();
    const taken = await Promise.all(writers.map(fill));
    // Both sockets' high-water marks, a chunk in each, and what the two peers hold: a few times the limit for each
    // pair. Freed memory is given back bit by bit.
    const most = pairs.length * 16 * LIMIT;
    await expect.poll(() => bufferBytes() - before, { timeout: 10_000 }).toBeLessThan(most);
    expect(taken.reduce((sum, bytes) => sum + bytes)).toBeGreaterThan(4 * most);
    for (const peer of [...writers, ...readers]) peer.reset();
  });

/** Small reproducible random numbers. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
}

test("peers and filters that stop, continue, close and break at any moment: every filter ends once", async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  const pick = random(seed);
  console.log(`seed ${seed}`);
  let opened = 0;
  const closes: PeerType[] = [];
  const factory: NetworkFilterFactory = {
    name: "chaos",
    createNetwork(callbacks) {
      let closed = false;
      const answer = (): NetworkStatus => {
        expect(closed).toBe(false);
        const choice = pick(12);
        if (choice === 0) callbacks.close();
        if (choice === 1) callbacks.continueReading();
        if (choice === 2) setTimeout(() => callbacks.continueReading(), pick(5));
        if (choice === 3) setTimeout(() => callbacks.close(), pick(5));
        return choice < 4 ? NetworkStatus.StopIteration : NetworkStatus.Continue;
      };
      const filter: NetworkFilter = {
        onNewConnection() {
          opened++;
          return answer();
        },
        onDownstreamData: answer,
        onUpstreamData: answer,
        onClose(peer) {
          expect(closed).toBe(false);
          closed = true;
          closes.push(peer);
        },
      };
      return filter;
    },
  };
  const act = (peer: TcpPeer) => {
    const step = () => {
      if (peer.isGone) return;
      const choice = pick(20);
      if (choice < 16 && !peer.socket.writableEnded) peer.write(Buffer.alloc(pick(100 * KIB), "x"));
      else if (choice === 16) peer.end();
      else if (choice === 17) peer.reset();
      else if (choice === 18) peer.close();
      else peer.socket.pause();
      setTimeout(step, pick(5));
    };
    setTimeout(step, 20 + pick(20));
  };
  const upstream = await TcpUpstream.start(act);
  const { proxy, port } = await start(upstream, LIMIT, [factory, factory]);
  const clients = await Promise.all(Array.from({ length: 200 }, () => TcpPeer.connect(port)));
  for (const client of clients) act(client);
  // On a busy machine connections come in slowly.
  await expect.poll(() => opened, { timeout: 10_000 }).toBeGreaterThan(150);
  await sleep(500);
  for (const peer of [...clients, ...upstream.connections]) peer.reset();
  await proxy.stop(200);
  expect(closes.length).toBeGreaterThan(100);
  expect(closes.filter((peer) => peer === PeerType.Unknown)).toEqual([]);
  // Every connection that a filter saw has ended for it; a second filter may never have been reached.
  expect(closes.length).toBeGreaterThanOrEqual(opened);
  const value = (name: string) => proxy.store.gauge(name).value;
  for (const name of [
    "cluster.app.upstream_cx_active",
    "cluster.app.upstream_rq_active",
    "cluster.app.upstream_rq_pending_active",
    "tcp.tcp.upstream_flush_active",
  ])
    await expect.poll(() => [name, value(name)]).toEqual([name, 0n]);
});
