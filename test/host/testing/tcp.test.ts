import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { TestHost } from "../../../host/testing/index";
import { startHost } from "../../../host/testing/vitest";

const module = fileURLToPath(new URL("../../sdk/guests/tcp.ts", import.meta.url));
const start = (rootId: string, more: object = {}): Promise<TestHost> =>
  startHost({ plugins: { module, rootId }, ...more });

test("bytes go through the filter both ways", async () => {
  const connection = (await start("edit")).connect();
  expect(connection.connected).toBe(true);
  connection.send("hello");
  expect(connection.forwarded.text).toBe("HELLO");
  connection.respond("hi");
  expect(connection.received.text).toBe("<hi>");
  connection.disconnect();
  expect(connection.closedBy).toBe("client");
});

test("callbacks come in the proxy's order, with the facts a test gives", async () => {
  const host = await start("story");
  const connection = host.connect({ connection: { remoteAddress: "10.0.0.1:1234" } });
  connection.send("abc", { end: true });
  connection.respond("def", { end: true });
  expect(host.logs().map(({ message }) => message)).toEqual([
    "new connection from 10.0.0.1:1234",
    "downstream abc true",
    "upstream def true of 127.0.0.1:8080",
    "upstream closed by 0",
    "downstream closed by 1",
    "done, 3 bytes",
    "log",
    "delete",
  ]);
  expect(connection.closedBy).toBe("proxy");
  expect([connection.forwarded.complete, connection.received.complete]).toEqual([true, true]);
});

test("a held connection is not connected, and its bytes wait", async () => {
  const host = await start("held");
  const connection = host.connect();
  connection.send("early");
  expect([connection.connected, connection.forwarded.text]).toEqual([false, ""]);
  expect(() => connection.respond("x")).toThrow("no connection to the upstream yet");
  host.advance(20);
  expect([connection.connected, connection.forwarded.text]).toEqual([true, "early"]);
  connection.failUpstream();
  expect(connection.closedBy).toBe("proxy");
});

test.each([
  [200, "good", undefined],
  [403, "", "proxy"],
])("a call answered %d decides", async (status, forwarded, closedBy) => {
  const host = await start("asked", { clusters: { auth: { status } } });
  const connection = host.connect();
  connection.send("good");
  expect([connection.forwarded.text, connection.closedBy]).toEqual([forwarded, closedBy]);
  connection.disconnect();
});

test("a connection left open fails the host's close by name", async () => {
  const host = await TestHost.start({ plugins: { module, rootId: "edit" } });
  const connection = host.connect();
  expect(host.connections.map(String)).toEqual(["connection from 127.0.0.1:50000"]);
  expect(() => host.close()).toThrow("open: connection from 127.0.0.1:50000");
  connection.disconnect();
  expect(host.connections).toEqual([]);
});
