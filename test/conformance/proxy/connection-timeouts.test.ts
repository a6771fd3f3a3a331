import { connect } from "node:net";
import { expect } from "vitest";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { FrameClient, FrameType } from "../../support/h2-frames";
import { ends, GET } from "../http2/support";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function limits(common: object, manager: object = {}): Setup {
  return { manager: { common_http_protocol_options: common, ...manager } };
}

/** Waits until a number is what it is to be. (`expect.poll` knows no tests that run beside others.) */
async function becomes(wanted: number, read: () => Promise<number>): Promise<void> {
  const end = performance.now() + 5000;
  while ((await read()) !== wanted && performance.now() < end) await sleep(20);
  expect(await read()).toBe(wanted);
}

/** Milliseconds until it is over. */
async function timed(over: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await over;
  return performance.now() - started;
}

conformance("Timeouts of connections", ({ behaviour, proxy }) => {
  const http = (b: Behaviour, name: string) => proxy().stat(`http.${b.id}.downstream_cx_${name}`);

  behaviour(
    "idle_timeout: a connection that has said nothing is closed at once",
    limits({ idle_timeout: "0.3s" }),
    async (b) => {
      const client = await b.connect();
      const ms = await timed(client.closed);
      expect(ms).toBeGreaterThan(250);
      expect(ms).toBeLessThan(2000);
      expect(await http(b, "idle_timeout")).toBe(1);
    },
  );

  behaviour(
    "idle_timeout: counts while there is no stream; the connection closes when it has been drained",
    {
      ...limits({ idle_timeout: "0.3s" }, { drain_timeout: "0.8s" }),
      upstream: async (_, reply) => {
        await sleep(500);
        reply.send({ body: "late" });
      },
    },
    async (b) => {
      const client = await b.connect();
      expect((await client.exchange({})).text).toBe("late");
      const ms = await timed(client.closed);
      expect(ms).toBeGreaterThan(700);
      expect(ms).toBeLessThan(3000);
      expect(await http(b, "idle_timeout")).toBe(1);
    },
  );

  behaviour(
    "a request on a connection that drains is answered, and the answer says so",
    limits({ idle_timeout: "0.2s" }, { drain_timeout: "5s" }),
    async (b) => {
      const client = await b.connect();
      expect((await client.exchange({})).header("connection")).toBeUndefined();
      await becomes(1, () => http(b, "idle_timeout"));
      expect((await client.exchange({})).header("connection")).toBe("close");
      client.close();
    },
  );

  behaviour("idle_timeout 0: never", limits({ idle_timeout: "0s" }, { drain_timeout: "0.1s" }), async (b) => {
    const client = await b.connect();
    await client.exchange({});
    await sleep(300);
    expect((await client.exchange({})).status).toBe(200);
    client.close();
  });

  behaviour(
    "max_connection_duration: from the connection's first day on, busy or not",
    limits({ max_connection_duration: "1s" }, { drain_timeout: "0.4s" }),
    async (b) => {
      const client = await b.connect();
      const closed = timed(client.closed);
      expect((await client.exchange({})).header("connection")).toBeUndefined();
      const ms = await closed;
      expect(ms).toBeGreaterThan(1200);
      expect(ms).toBeLessThan(3500);
      expect(await http(b, "max_duration_reached")).toBe(1);
      expect(await http(b, "idle_timeout")).toBe(0);
      const silent = await b.connect();
      expect(await timed(silent.closed)).toBeLessThan(3000);
      expect(await http(b, "max_duration_reached")).toBe(2);
    },
  );

  behaviour(
    "max_connection_duration: a stream that is under way ends in order",
    {
      ...limits({ max_connection_duration: "0.3s" }, { drain_timeout: "0.1s" }),
      upstream: async (_, reply) => {
        await sleep(700);
        reply.send({ body: "late" });
      },
    },
    async (b) => {
      const client = await b.connect();
      const response = await client.exchange({});
      expect([response.text, response.header("connection")]).toEqual(["late", "close"]);
      await client.closed;
    },
  );

  behaviour(
    "http1_safe_max_connection_duration: the next answer says so, and nothing closes before",
    limits(
      { max_connection_duration: "1s" },
      { drain_timeout: "0.1s", http1_safe_max_connection_duration: true },
    ),
    async (b) => {
      const client = await b.connect();
      await client.exchange({});
      await becomes(1, () => http(b, "max_duration_reached"));
      await sleep(300);
      const response = await client.exchange({});
      expect([response.status, response.header("connection")]).toEqual([200, "close"]);
      await client.closed;
    },
  );

  for (const [name, delay, counted] of [
    ["0.3s: the client has so long to close", "0.3s", 1],
    ["0: closed at once", "0s", 0],
  ] as const)
    behaviour(
      `delayed_close_timeout ${name}`,
      {
        manager: { delayed_close_timeout: delay },
        script: "on request_headers\n reply 403 no no -1\n return 1",
      },
      async (b) => {
        const socket = connect({ port: b.port, host: "127.0.0.1", allowHalfOpen: true });
        socket.on("error", () => {});
        socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1");
        socket.resume();
        await becomes(0, () => http(b, "active"));
        expect(await http(b, "destroy_local")).toBe(1);
        expect(await http(b, "delayed_close_timeout")).toBe(counted);
        socket.destroy();
      },
    );

  behaviour(
    "idle_timeout over HTTP/2: GOAWAY, then the end",
    limits({ idle_timeout: "0.3s" }, { drain_timeout: "0.3s", codec_type: "HTTP2" }),
    async (b) => {
      const client = await FrameClient.connect(b.port);
      client.headers(1, GET, true);
      await client.until((frame) => ends(frame, 1));
      await client.until((frame) => frame.type === FrameType.Goaway);
      expect(await http(b, "idle_timeout")).toBe(1);
      await becomes(0, () => http(b, "active"));
      client.close();
    },
  );
});
