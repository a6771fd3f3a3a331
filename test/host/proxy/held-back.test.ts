import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nodeEngine } from "../../../host/proxy/index";
import { bootstrap, cluster, httpListener } from "../../support/bootstrap";
import { RawClient } from "../../support/raw-client";

const SIZE = 24 * 1024 * 1024;

/** Takes the first request in and refuses it; answers the others as soon as they come, and reads no further. */
function upstream(): (socket: Socket) => void {
  let connections = 0;
  return (socket) => {
    const first = connections++ === 0;
    let read = 0;
    socket.on("error", () => {});
    socket.on("data", (data) => {
      read += data.length;
      if (first && read < SIZE) return;
      socket.pause();
      const status = first ? "503 No" : "200 OK";
      socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi`);
      if (first) socket.end();
    });
  };
}

test("a client's connection serves on after a body that was sent again, and answered before it was read", async () => {
  const server = createServer(upstream());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-held-"));
  const configPath = join(dir, "envoy.json");
  const route = { cluster: "app", retry_policy: { retry_on: "gateway-error" } };
  const listener = httpListener({
    name: "main",
    routes: [{ match: { prefix: "/" }, route }],
    listener: { per_connection_buffer_limit_bytes: 2 * SIZE },
  });
  writeFileSync(
    configPath,
    JSON.stringify(bootstrap({ listeners: [listener], clusters: [cluster("app", port)] })),
  );
  const proxy = await nodeEngine.start({ configPath, writeLog: () => {} });
  onTestFinished(async () => {
    await proxy.kill();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const client = await RawClient.connect(proxy.listeners[0]!.port);
  const answers = [
    await client.exchange({ method: "POST", body: Buffer.alloc(SIZE, "x") }),
    await client.exchange({ path: "/next" }),
  ];
  expect(answers.map(({ status, text }) => [status, text])).toEqual([
    [200, "hi"],
    [200, "hi"],
  ]);
  client.close();
});
