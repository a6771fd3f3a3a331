import { expect, test } from "vitest";
import { convertManagerTimeouts } from "../../../host/config/convert/timeouts";
import { bootstrap, listener, virtualHost } from "./support/bootstrap";
import { RawClient } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";

test("a head that was refused in the middle is not late as well", async () => {
  const timeouts = { ...convertManagerTimeouts({}), requestHeadersMs: 200, delayedCloseMs: 500 };
  const { proxy, port, adminPort, chains } = await startProxy(
    bootstrap([listener([virtualHost([])], { timeouts })], []),
  );
  const client = await RawClient.connect(port);
  client.write("GET / HTTP/1.1\r\nhost: a\r\n");
  // In pieces: it has to be waited for first.
  setTimeout(() => client.write("x: \0\r\n\r\n"), 20);
  // By then the head would have been late.
  const stats = `http://127.0.0.1:${adminPort}/stats?filter=delayed_close_timeout`;
  await expect.poll(async () => (await fetch(stats)).text(), { timeout: 5000 }).toContain("timeout: 1");
  expect(client.received).toContain("400 Bad Request");
  expect(chains.details).toEqual(["http1.codec_error"]);
  client.destroy();
  await proxy.kill();
});
