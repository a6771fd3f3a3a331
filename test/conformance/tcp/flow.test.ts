import { expect } from "vitest";
import { tcpConformance } from "../../support/tcp-conformance";
import { echo, type TcpPeer } from "../../support/tcp-peer";

const MIB = 1 << 20;

/** Writes as fast as the connection takes it, until nothing moves any more; answers how much was taken. */
async function fill(peer: TcpPeer, most: number): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024, "x");
  let written = 0;
  while (written < most) {
    const taken = await new Promise<boolean>((resolve) => {
      const stuck = setTimeout(() => resolve(false), 500);
      peer.socket.write(chunk, () => {
        clearTimeout(stuck);
        resolve(true);
      });
    });
    if (!taken) break;
    written += chunk.length;
  }
  return written;
}

tcpConformance("TCP filters: much data", ({ behaviour }) => {
  for (const direction of ["downstream", "upstream"] as const)
    behaviour(
      `${direction}: a slow reader holds the writer back, and gets everything in the end`,
      {
        script: `on ${direction}_data\n set-buffer ${direction === "downstream" ? 2 : 3} 0 0 ''`,
        listener: { per_connection_buffer_limit_bytes: 32_768 },
        cluster: { per_connection_buffer_limit_bytes: 32_768 },
      },
      async (b) => {
        const { client, upstream } = await b.pair();
        const [writer, reader] = direction === "downstream" ? [client, upstream] : [upstream, client];
        reader.socket.pause();
        // What fits into the sockets' own buffers differs; the proxy must not take 256 MiB.
        const written = await fill(writer, 256 * MIB);
        expect(written).toBeLessThan(64 * MIB);
        reader.socket.resume();
        writer.end();
        await reader.ended();
        expect(reader.length).toBeGreaterThanOrEqual(written);
        reader.end();
        await writer.over();
      },
    );

  for (const direction of ["downstream", "upstream"] as const)
    behaviour(
      `${direction}: a filter that keeps pausing holds the writer back`,
      {
        script: `on ${direction}_data\n return 1`,
        listener: { per_connection_buffer_limit_bytes: 32_768 },
        cluster: { per_connection_buffer_limit_bytes: 32_768 },
      },
      async (b) => {
        const { client, upstream } = await b.pair();
        const [writer, reader] = direction === "downstream" ? [client, upstream] : [upstream, client];
        expect(await fill(writer, 256 * MIB)).toBeLessThan(64 * MIB);
        expect(reader.length).toBe(0);
        reader.reset();
        await writer.over();
      },
    );

  behaviour(
    "200 connections at once, each with its own context",
    { script: "on downstream_data\n x = buffer 2 0 100\non delete\n gone = set $context", upstream: echo },
    async (b) => {
      const clients = await Promise.all(Array.from({ length: 200 }, () => b.connect()));
      await Promise.all(
        clients.map(async (client, i) => {
          client.write(`client ${i}`);
          await client.receives(`client ${i}`);
          client.reset();
        }),
      );
      const contexts = async (): Promise<Set<string>> => {
        const all = new Set(await b.allLogged("gone"));
        return all.size < 200 ? contexts() : all;
      };
      expect((await contexts()).size).toBe(200);
    },
  );

  behaviour(
    "64 MiB through two filters and back",
    { script: ["on log\n x = set a", "on log\n x = set b"], upstream: echo },
    async (b) => {
      const client = await b.connect();
      const size = 64 * MIB;
      const chunk = Buffer.alloc(MIB, "0123456789abcdef");
      for (let sent = 0; sent < size; sent += chunk.length) client.write(chunk);
      client.end();
      await client.ended();
      expect(client.length).toBe(size);
      expect(client.bytes.subarray(-MIB).equals(chunk)).toBe(true);
    },
  );
});
