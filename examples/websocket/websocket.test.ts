import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { H2Client } from "../../test/support/h2-client";

const OWN = "https://shop.example";

describeEngines("examples/websocket", (engine) => {
  let server: Server;
  let sockets: WebSocketServer;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    server = createServer((_, response) => response.end("no WebSocket"));
    sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) =>
      socket.on("message", (data, binary) => socket.send(data, { binary })),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    proxy = await engine.start(exampleYaml("websocket", { 8080: (server.address() as AddressInfo).port }));
  });
  afterAll(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });

  const dial = (path: string, origin?: string) =>
    new WebSocket(`ws://127.0.0.1:${proxy.port()}${path}`, { ...(origin !== undefined && { origin }) });

  /** The status that a client gets in place of a WebSocket. */
  async function refusal(path: string, origin?: string): Promise<number> {
    const socket = dial(path, origin);
    socket.on("error", () => {});
    const [request, response] = await once(socket, "unexpected-response");
    request.destroy();
    return response.statusCode;
  }

  const counted = async (direction: string) => {
    const lines = (await proxy.admin("/stats/prometheus")).split("\n");
    const series = `websocket_bytes_total{direction="${direction}"}`;
    return Number(lines.find((line) => line.startsWith(series))?.split(" ")[1] ?? 0);
  };

  test("messages of every size go both ways, and are counted", async () => {
    const before = await counted("received");
    const socket = dial("/chat", OWN);
    await once(socket, "open");
    for (const message of ["", "hello", "x".repeat(70_000), Buffer.alloc(300_000, 7)]) {
      socket.send(message);
      const [data, binary] = await once(socket, "message");
      expect(data).toEqual(Buffer.from(message));
      expect(binary).toBe(typeof message !== "string");
    }
    socket.ping("are you there");
    await once(socket, "pong");
    expect(await proxy.stat("http.http.downstream_cx_upgrades_active")).toBe(1);
    socket.close(4000, "bye");
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([4000, "bye"]);
    const line = await proxy.log.waitFor(
      (lines) => lines.map(({ message }) => /(\d+) bytes received, (\d+) sent/.exec(message)).find(Boolean),
      "the filter's line",
    );
    const received = Number(line![1]);
    expect(received).toBeGreaterThan(370_000);
    expect(await counted("received")).toBe(before + received);
    expect(await proxy.stat("http.http.downstream_cx_upgrades_active")).toBe(0);
  });

  test("pages of other origins are turned away, and so is everybody where the route says so", async () => {
    expect([
      await refusal("/chat", "https://elsewhere.example"),
      await refusal("/plain", OWN),
      (await fetch(`${proxy.url()}/plain`)).status,
    ]).toEqual([403, 403, 200]);
    const anybody = dial("/chat");
    await once(anybody, "open");
    anybody.terminate();
  });

  test("many at a time, none with another's words", async () => {
    const clients = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const socket = dial("/chat", OWN);
        await once(socket, "open");
        return { socket, i };
      }),
    );
    await Promise.all(
      clients.map(async ({ socket, i }) => {
        for (let round = 0; round < 10; round++) {
          socket.send(`${i}:${round}`);
          const [data] = await once(socket, "message");
          expect(String(data)).toBe(`${i}:${round}`);
        }
        socket.close();
        await once(socket, "close");
      }),
    );
  });

  test("over HTTP/2 by extended CONNECT", async () => {
    const client = await H2Client.connect(proxy.port());
    const pseudo: [string, string][] = [
      [":method", "CONNECT"],
      [":protocol", "websocket"],
      [":scheme", "http"],
      [":authority", "shop.example"],
      [":path", "/chat"],
    ];
    // HTTP/2 needs no key; a host that speaks HTTP/1 does.
    const headers: [string, string][] = [
      ["sec-websocket-version", "13"],
      ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ];
    const exchange = client.start({ pseudo, headers }, true).read();
    await exchange.head();
    expect(exchange.status).toBe(200);
    // A masked text frame, and the same unmasked on its way back.
    exchange.stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    const echo = Buffer.from([0x81, 0x02, 0x68, 0x69]);
    while (Buffer.concat(exchange.chunks).length < echo.length) await once(exchange.stream, "data");
    expect(Buffer.concat(exchange.chunks)).toEqual(echo);
    client.close();
  });
});
