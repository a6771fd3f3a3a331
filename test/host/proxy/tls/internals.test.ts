import { once } from "node:events";
import { connect, createServer } from "node:net";
import { TLSSocket } from "node:tls";
import { expect, test } from "vitest";

// host/proxy/tls/server-tls.ts stands on what node:tls keeps to itself: a Node that changes it fails here.
test("the internals of TLSSocket that a server needs are there", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [raw] = await once(server, "connection");
  const socket = new TLSSocket(raw, { isServer: true, requestCert: true });
  const internals = socket as unknown as Record<string, unknown>;
  expect(internals.secureConnecting).toBe(true);
  expect(internals._releaseControl).toBeTypeOf("function");
  expect((internals._handle as Record<string, unknown>).verifyError).toBeTypeOf("function");
  socket.destroy();
  client.destroy();
  server.close();
});
