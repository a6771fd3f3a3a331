import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { median } from "../support/rounds";
import { Client, GET } from "./client";
import { EnvoyUnderTest } from "./envoy";

const OPEN = 10_000;
const ROUNDS = 5;
const SLICES = 15;
const REQUESTS = 200;
const HELD = GET.replace("\r\n\r\n", "\r\nX-Hold: 1\r\n\r\n");

/** CPU in microseconds a request, filter included, with no other stream and with 10 000 open ones. */
export async function withOpenStreams(
  wasm: Uint8Array,
): Promise<{ none: number; open: number; ratio: number }> {
  const envoy = await EnvoyUnderTest.start([{ name: "holder", wasm }]);
  const port = envoy.ports.get("holder")!;
  const client = await Client.open(port, GET);
  const held: Socket[] = [];
  try {
    await client.run(5000);
    const before = await cost(envoy, client);
    while (held.length < OPEN) held.push(...(await hold(port, 250)));
    const open = await cost(envoy, client);
    for (const socket of held) socket.destroy();
    const after = await cost(envoy, client);
    const none = Math.min(before, after);
    return { none, open, ratio: open / none };
  } finally {
    for (const socket of held) socket.destroy();
    client.close();
    await envoy.stop();
  }
}

/** Streams that the filter keeps. */
async function hold(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  for (const socket of sockets) socket.on("error", () => {}).write(HELD);
  return sockets;
}

async function cost(envoy: EnvoyUnderTest, client: Client): Promise<number> {
  await client.run(2000);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let least = Number.POSITIVE_INFINITY;
    for (let slice = 0; slice < SLICES; slice++) {
      const before = envoy.cpu();
      await client.run(REQUESTS);
      least = Math.min(least, (envoy.cpu() - before) / REQUESTS / 1000);
    }
    rounds.push(least);
  }
  return median(rounds);
}
