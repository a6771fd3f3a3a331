import { expect } from "vitest";
import { type TcpBehaviour, tcpConformance } from "../../support/tcp-conformance";
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

  const BIG = 64 * MIB;
  const LIMITS = {
    listener: { per_connection_buffer_limit_bytes: BIG },
    cluster: { per_connection_buffer_limit_bytes: BIG },
  };

  /** Resolves when filters have seen that many bytes, by the sizes they log. */
  async function passed(b: TcpBehaviour, size: number): Promise<void> {
    const sizes = (await b.allLogged("x")).map((value) => Number(value.slice(2)));
    if (sizes.reduce((sum, bytes) => sum + bytes, 0) < size) return passed(b, size);
  }

  behaviour(
    "what a client that has closed left behind still goes to a slow upstream",
    { script: "on downstream_data\n x = set $size", ...LIMITS },
    async (b) => {
      const { client, upstream } = await b.pair();
      upstream.socket.pause();
      upstream.end();
      await client.ended();
      const size = 24 * MIB;
      client.write(Buffer.alloc(size, "x"));
      await passed(b, size);
      client.end();
      const active = async (wanted: number): Promise<void> => {
        const now = await b.proxy.stat(`tcp.${b.id}.upstream_flush_active`);
        if (now !== wanted) return active(wanted);
      };
      await active(1);
      upstream.socket.resume();
      await upstream.over();
      expect(upstream.length).toBe(size);
      await active(0);
      expect(await b.proxy.stat(`tcp.${b.id}.upstream_flush_total`)).toBe(1);
    },
  );

  behaviour(
    "what an upstream that has closed left behind still goes to a slow client",
    { script: "on upstream_data\n x = set $size", ...LIMITS },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.socket.pause();
      client.end();
      await upstream.ended();
      const size = 24 * MIB;
      upstream.write(Buffer.alloc(size, "x"));
      upstream.end();
      await passed(b, size);
      client.socket.resume();
      await client.over();
      expect(client.length).toBe(size);
    },
  );

  behaviour(
    "a reset passes at once, whatever still waits",
    { script: "on upstream_data\n x = set $size\non delete\n end = set 1", ...LIMITS },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.socket.pause();
      const size = 24 * MIB;
      upstream.write(Buffer.alloc(size, "x"));
      await passed(b, size);
      upstream.reset();
      await b.logged("end");
      client.socket.resume();
      expect(await client.over()).toBe("reset");
      expect(client.length).toBeLessThan(size);
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
