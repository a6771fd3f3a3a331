import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { guest } from "../../support/guests";
import { echo, TcpPeer, TcpUpstream } from "../../support/tcp-peer";

describeEngines("TCP: stopping", (engine) => {
  let upstream: TcpUpstream;
  beforeAll(async () => {
    upstream = await TcpUpstream.start(echo);
  });
  afterAll(() => upstream?.close());

  async function start(): Promise<{ proxy: ProxyUnderTest; client: TcpPeer }> {
    const filter = build.networkWasmFilter({
      name: "f",
      rootId: "f",
      wasm: await guest("puppet"),
      configuration: "trace",
    });
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [build.tcpListener({ name: "tcp", filters: [filter] })],
        clusters: [build.cluster("tcp", upstream.port)],
      }),
    );
    const client = await TcpPeer.connect(proxy.port());
    client.write("abc");
    await client.receives("abc");
    return { proxy, client };
  }

  test("open connections may end by themselves; new ones are refused", async () => {
    const { proxy, client } = await start();
    const port = proxy.port();
    const stopped = proxy.running.stop(10_000);
    for (;;) {
      const other = await TcpPeer.connect(port).catch(() => undefined);
      if (!other) break;
      other.reset();
    }
    client.write("def");
    await client.receives("abcdef");
    client.end();
    await client.ended();
    await stopped;
  });

  test("what is left at the end is closed, and its filters hear of it before the plugin's end", async () => {
    const { proxy, client } = await start();
    await proxy.running.stop(50);
    await client.over();
    const trace = proxy.log.lines.flatMap(({ message }) => /^wasm log .*: > (.*)$/.exec(message)?.[1] ?? []);
    // The main thread's plugin ends, and the worker's.
    expect(trace.slice(-8)).toEqual([
      "downstream_connection_close 2 1",
      "done 2",
      "log 2",
      "delete 2",
      "done 1",
      "delete 1",
      "done 1",
      "delete 1",
    ]);
  });
});
