import { once } from "node:events";
import { connect } from "node:http2";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, test } from "vitest";
import type { DownstreamConnection } from "../../../host/proxy/downstream/connection";
import { Http2Codec } from "../../../host/proxy/downstream/http2/http2-codec";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { RawClient } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";
import { httpUpstream } from "./support/upstream";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

const { accept } = Http2Codec.prototype;
afterEach(() => {
  Http2Codec.prototype.accept = accept;
});

/** Refers weakly to every HTTP/2 connection that comes. A spy would keep its arguments. */
function watchConnections(): WeakRef<DownstreamConnection>[] {
  const seen: WeakRef<DownstreamConnection>[] = [];
  Http2Codec.prototype.accept = function (this: Http2Codec, base) {
    seen.push(new WeakRef(base));
    accept.call(this, base);
  };
  return seen;
}

async function nonsense(port: number): Promise<void> {
  const client = await RawClient.connect(port);
  client.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\0".repeat(500)}`);
  await client.until(({ ended, closed }) => ended || closed);
  client.socket.destroy();
}

async function leaveInTheMiddle(port: number): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const stream = session.request({ ":method": "POST" });
  stream.on("error", () => {});
  stream.write("half a body");
  await once(session, "remoteSettings");
  session.destroy();
}

test.each([nonsense, leaveInTheMiddle])("nothing of an HTTP/2 connection is left: %o", async (visit) => {
  const seen = watchConnections();
  const upstream = await httpUpstream(() => {});
  const routes = [virtualHost([route("/", toCluster("app"))])];
  const { proxy, port } = await startProxy(bootstrap([listener(routes)], [cluster("app", upstream.port)]));
  try {
    for (let i = 0; i < 5; i++) await visit(port);
    expect(seen).toHaveLength(5);
    const left = () => {
      gc();
      return seen.filter((connection) => connection.deref()).length;
    };
    await expect.poll(left, { timeout: 5000 }).toBe(0);
  } finally {
    await proxy.kill();
    await upstream.close();
  }
});
