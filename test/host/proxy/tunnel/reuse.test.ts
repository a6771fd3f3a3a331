import { connect } from "node:http2";
import { expect, test } from "vitest";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "../support/bootstrap";
import { exchange } from "../support/raw-client";
import { startProxy } from "../support/start-proxy";
import { tcpUpstream } from "../support/upstream";

test("no other request goes into a tunnel whose client had nothing to send", async () => {
  const seen: string[] = [];
  let connections = 0;
  const upstream = await tcpUpstream((socket) => {
    const connection = connections++;
    socket.setEncoding("latin1").on("data", (text: string) => {
      seen.push(`${connection} ${text.split(" ", 1)[0]}`);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
  });
  const asksForTunnel = {
    ...route("/", toCluster("app")).match,
    path: { kind: "connect", value: "" } as const,
  };
  const { proxy, port } = await startProxy(
    bootstrap(
      [
        listener(
          [
            virtualHost([
              route("/", toCluster("app"), { match: asksForTunnel }),
              route("/", toCluster("app")),
            ]),
          ],
          { upgrades: [{ type: "connect", enabled: true, filters: undefined }] },
        ),
      ],
      [cluster("app", upstream.port)],
    ),
  );
  const client = connect(`http://127.0.0.1:${port}`);
  const stream = client.request({ ":method": "CONNECT", ":authority": "a:1" }, { endStream: true });
  await new Promise((resolve) => stream.once("close", resolve).resume());
  expect(await exchange(port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n")).toContain("200 OK");
  expect(seen).toEqual(["0 CONNECT", "1 GET"]);
  client.destroy();
  await proxy.kill();
  await upstream.close();
});
