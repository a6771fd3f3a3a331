import { afterEach, expect, test, vi } from "vitest";
import { H2Client } from "../../support/h2-client";
import { bootstrap, listener, route, virtualHost } from "./support/bootstrap";
import { startProxy } from "./support/start-proxy";

vi.mock(import("../../../host/proxy/downstream/http2/request-headers"), async (original) => {
  const { readRequestHead } = await original();
  return {
    readRequestHead(raw, limits) {
      if (raw.includes("/broken")) throw new TypeError("a defect");
      return readRequestHead(raw, limits);
    },
  };
});

let stop = async () => {};
afterEach(() => stop());

test("a defect while a head is read ends its stream; others of the connection go on", async () => {
  const answer = { kind: "directResponse", status: 200, body: Buffer.from("fine") } as const;
  const { proxy, port, log } = await startProxy(
    bootstrap([listener([virtualHost([route("/", answer)])])], []),
  );
  stop = () => proxy.kill();
  const client = await H2Client.connect(port);
  const other = client.start({ method: "POST" }, true);
  const broken = await client.request({ path: "/broken" });
  expect(broken.status).toBe(500);
  other.stream.end();
  expect((await other.response()).text).toBe("fine");
  expect((await client.request()).text).toBe("fine");
  expect(client.goaways).toEqual([]);
  expect(log.filter((line) => line.includes("TypeError: a defect"))).toHaveLength(1);
  client.close();
});
