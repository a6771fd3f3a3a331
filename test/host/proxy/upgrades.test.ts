import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nodeEngine } from "../../../host/proxy/index";
import { bootstrap, cluster, httpListener, type Json } from "../../support/bootstrap";
import { RawClient } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { asking, grants } from "../../support/upgrades";

/** A proxy whose route may come to grant WebSockets while it runs. */
async function start() {
  const upstream = await RawUpstream.start(grants);
  const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-upgrades-"));
  const configPath = join(dir, "envoy.json");
  const write = (more: Json) => {
    const routes = [{ match: { prefix: "/" }, route: { cluster: "app", ...more } }];
    const listeners = [httpListener({ name: "main", routes })];
    writeFileSync(
      configPath,
      JSON.stringify(bootstrap({ listeners, clusters: [cluster("app", upstream.port)] })),
    );
  };
  write({});
  const proxy = await nodeEngine.start({ configPath, writeLog: () => {} });
  onTestFinished(async () => {
    await proxy.kill();
    await upstream.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    connect: () => RawClient.connect(proxy.listeners[0]!.port),
    change: (more: Json) => {
      write(more);
      return proxy.reload!();
    },
  };
}

async function answer(client: RawClient): Promise<string> {
  client.write(asking("/"));
  const { startLine } = await client.head();
  client.close();
  return startLine.split(" ")[1]!;
}

test("a changed configuration grants upgrades, to connections of before too, and takes them back", async () => {
  const { connect, change } = await start();
  expect(await answer(await connect())).toBe("403");
  const waiting = await connect();
  await change({ upgrade_configs: [{ upgrade_type: "websocket" }] });
  expect([await answer(waiting), await answer(await connect())]).toEqual(["101", "101"]);
  await change({});
  expect(await answer(await connect())).toBe("403");
});

test("requests behind one that asks for an upgrade are bytes of the tunnel; those before it are answered first", async () => {
  const { connect, change } = await start();
  await change({ upgrade_configs: [{ upgrade_type: "websocket" }] });
  const client = await connect();
  client.write(asking("/1").replace("Connection: Upgrade\r\nUpgrade: websocket\r\n", "") + asking("/2"));
  // The host greets everybody the same way; without having been asked that is an error.
  expect((await client.response()).status).toBe(502);
  expect((await client.head()).startLine).toBe("HTTP/1.1 101 Switching Protocols");
  expect(String(await client.bytes())).toBe("hi");
  client.write("GET / HTTP/1.1\r\n\r\n");
  expect(String(await client.bytes())).toBe("echo:GET / HTTP/1.1\r\n\r\n");
  client.close();
});
