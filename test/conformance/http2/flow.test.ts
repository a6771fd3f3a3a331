import { once } from "node:events";
import { expect } from "vitest";
import { conformance } from "../../support/conformance";
import { H2Client } from "../../support/h2-client";
import { FrameClient, FrameType, frame } from "../../support/h2-frames";
import type { ReplyWriter } from "../../support/raw-upstream";
import { ends, GET, HTTP2, POST, resetCode } from "./support";

const CONTINUE_LATER = (type: number) => `
  on tick
    tick 0
    effective $stream
    c = continue ${type}`;

const CHUNK = Buffer.alloc(64 * 1024, "x");
const MANY = 1000;
/** All of it. No proxy may take in so much ahead of a client that does not read. */
const WHOLE = CHUNK.length * MANY;
/** The kernel's buffers of four sockets count too, and grow. */
const HELD = 40 * 1024 * 1024;

/** Sends the whole as fast as the proxy takes it. */
async function pour(reply: ReplyWriter): Promise<void> {
  reply.head(200, [["content-length", String(WHOLE)]]);
  for (let i = 0; i < MANY; i++) if (!reply.socket.write(CHUNK)) await once(reply.socket, "drain");
}

/** Resolves when a number has not grown for a while: nothing else tells that bytes are stuck. */
async function standstill(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = read();
    if (now > 0 && now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

conformance("HTTP/2 flow", ({ behaviour }) => {
  let letRead!: () => void;
  const mayRead = new Promise<void>((resolve) => {
    letRead = resolve;
  });

  behaviour("the settings announced, and the window of the connection", HTTP2, async (b) => {
    const client = await FrameClient.connect(b.port);
    const settings = await client.until((f) => f.type === FrameType.Settings && f.flags === 0);
    const values = new Map<number, number>();
    for (let at = 0; at < settings!.payload.length; at += 6)
      values.set(settings!.payload.readUInt16BE(at), settings!.payload.readUInt32BE(at + 2));
    expect(values.get(3)).toBe(1024);
    expect(values.get(4)).toBe(16 * 1024 * 1024);
    client.headers(1, GET);
    const update = await client.until((f) => f.type === FrameType.WindowUpdate && f.stream === 0);
    expect(update!.payload.readUInt32BE(0)).toBe(24 * 1024 * 1024 - 65_535);
    client.close();
  });

  behaviour(
    "http2_protocol_options are announced",
    {
      manager: {
        codec_type: "HTTP2",
        http2_protocol_options: {
          max_concurrent_streams: 7,
          initial_stream_window_size: 70_000,
          initial_connection_window_size: 80_000,
        },
      },
    },
    async (b) => {
      const client = await H2Client.connect(b.port);
      const { maxConcurrentStreams, initialWindowSize } = client.session.remoteSettings;
      expect([maxConcurrentStreams, initialWindowSize]).toEqual([7, 70_000]);
      await client.request();
      expect(client.session.state.remoteWindowSize).toBe(80_000);
      client.close();
    },
  );

  behaviour(
    "a stream above max_concurrent_streams is refused",
    {
      manager: { codec_type: "HTTP2", http2_protocol_options: { max_concurrent_streams: 2 } },
      upstream: () => {},
    },
    async (b) => {
      const client = await FrameClient.connect(b.port);
      // Refused as long as the settings are not acknowledged: the client may not know of them.
      for (const stream of [1, 3, 5]) client.headers(stream, GET);
      await client.until((f) => ends(f, 5));
      expect(resetCode(client.of(5))).toBe(7);
      await b.upstream.request(1);
      expect(b.upstream.requests).toHaveLength(2);
      client.close();
    },
  );

  behaviour(
    "paused at headers, the body gathered meanwhile arrives as one callback with the end of stream",
    { ...HTTP2, script: `trace\non request_headers\n tick 50\n return 1\n${CONTINUE_LATER(0)}` },
    async (b) => {
      const client = await H2Client.connect(b.port);
      const response = await client.request({ method: "POST", body: "x".repeat(40_000) });
      expect(response.status).toBe(200);
      const bodies = (await b.messages()).filter((m) => m.startsWith("> request_body"));
      expect(bodies.map((m) => m.split(" ").slice(3).join(" "))).toEqual(["40000 1"]);
      client.close();
    },
  );

  behaviour(
    "a response paused at headers goes on with continue",
    { ...HTTP2, script: `on response_headers\n tick 10\n return 1\n${CONTINUE_LATER(1)}` },
    async (b) => {
      const client = await H2Client.connect(b.port);
      expect((await client.request()).text).toBe("ok");
      client.close();
    },
  );

  behaviour(
    "200 streams at once on one connection, each with its own body",
    {
      ...HTTP2,
      script: "on request_headers\n add 0 x-seen yes",
      upstream: async (request, reply) => {
        const body = await request.body();
        reply.send({
          headers: [["x-seen", request.header("x-seen") ?? ""]],
          body: `${request.path}:${body}`,
        });
      },
    },
    async (b) => {
      const client = await H2Client.connect(b.port);
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) =>
          client.request({ method: "POST", path: `/${i}`, body: `body ${i}` }),
        ),
      );
      expect(answers.map((a) => a.text)).toEqual(answers.map((_, i) => `/${i}:body ${i}`));
      expect(answers.every((a) => a.header("x-seen") === "yes")).toBe(true);
      client.close();
    },
  );

  behaviour(
    "a client that does not read holds the upstream back, others on its connection go on; then it gets every byte",
    {
      ...HTTP2,
      upstream: async (request, reply) => {
        if (request.path === "/pour") await pour(reply);
        else reply.send({ body: "ok" });
      },
    },
    async (b) => {
      const client = await H2Client.connect(b.port);
      const slow = client.start({ path: "/pour" });
      await slow.head();
      slow.stream.pause();
      const [socket] = b.upstream.sockets;
      expect(await standstill(() => socket!.bytesWritten)).toBeLessThan(HELD);
      expect((await client.request()).text).toBe("ok");
      let received = 0;
      slow.stream.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      slow.stream.resume();
      await once(slow.stream, "end");
      expect(received).toBe(WHOLE);
      client.close();
    },
  );

  behaviour(
    "an upstream that does not read holds the client back",
    {
      ...HTTP2,
      upstream: async (request, reply) => {
        reply.socket.pause();
        await mayRead;
        reply.socket.resume();
        await request.message;
        reply.send({ body: String((await request.message).body.length) });
      },
    },
    async (b) => {
      const client = await H2Client.connect(b.port);
      const exchange = client.start({ method: "POST" }, true);
      let taken = 0;
      const writing = (async () => {
        for (let i = 0; i < MANY; i++) {
          if (!exchange.stream.write(CHUNK)) await once(exchange.stream, "drain");
          taken += CHUNK.length;
        }
        exchange.stream.end();
      })();
      expect(await standstill(() => taken)).toBeLessThan(HELD);
      letRead();
      await writing;
      expect((await exchange.response()).text).toBe(String(WHOLE));
      client.close();
    },
  );

  behaviour(
    "what is counted",
    {
      ...HTTP2,
      upstream: (request, reply) => (request.path === "/never" ? undefined : reply.send({ body: "ok" })),
    },
    async (b) => {
      const client = await FrameClient.connect(b.port);
      client.headers(1, GET);
      await client.until((f) => ends(f, 1));
      client.headers(3, [...POST.slice(0, 3), [":path", "/never"]], false);
      await b.upstream.request(1);
      client.send(frame(FrameType.RstStream, 0, 3, Buffer.from([0, 0, 0, 8])));
      client.headers(5, GET);
      await client.until((f) => ends(f, 5));
      const stat = (name: string) => b.proxy.stat(`http.${b.id}.downstream_${name}`);
      for (const [name, value] of Object.entries({
        cx_total: 1,
        cx_active: 1,
        cx_http2_total: 1,
        cx_http2_active: 1,
        cx_http1_total: 0,
        rq_total: 3,
        rq_http2_total: 3,
        rq_http1_total: 0,
        rq_active: 0,
        rq_rx_reset: 1,
        rq_tx_reset: 0,
        rq_2xx: 2,
        rq_completed: 2,
      }))
        expect([name, await stat(name)]).toEqual([name, value]);
      client.close();
    },
  );
});
