import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bootstrap, cluster, tcpListener } from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { echo, TcpPeer, TcpUpstream } from "../../support/tcp-peer";

const DEAD_PORT = 1;

/** The TCP proxy without filters. */
describeEngines("TCP proxy", (engine) => {
  let proxy: ProxyUnderTest;
  let silent: TcpUpstream;
  let quiet: TcpUpstream;
  let echoing: TcpUpstream;

  beforeAll(async () => {
    silent = await TcpUpstream.start();
    quiet = await TcpUpstream.start();
    echoing = await TcpUpstream.start(echo);
    const names = ["silent", "echo", "dead", "empty", "nowhere", "idle", "stubborn", "counted"];
    const more: Record<string, object> = {
      idle: { idle_timeout: "0.2s", cluster: "quiet" },
      stubborn: { max_connect_attempts: 3, cluster: "dead2" },
      counted: { cluster: "counted" },
    };
    proxy = await engine.start(
      bootstrap({
        listeners: names.map((name) => tcpListener({ name, proxy: { ...more[name] } })),
        clusters: [
          cluster("silent", silent.port),
          cluster("quiet", quiet.port),
          cluster("echo", echoing.port),
          cluster("counted", echoing.port),
          cluster("dead", DEAD_PORT),
          cluster("dead2", DEAD_PORT),
          { name: "empty", type: "STATIC", connect_timeout: "1s" },
        ],
      }),
    );
  });
  afterAll(() => Promise.all([silent?.close(), quiet?.close(), echoing?.close()]));

  const connect = (name: string) => TcpPeer.connect(proxy.port(name));

  /** A client and the upstream's end of its connection. Tests run in turn: the next one to come is it. */
  async function pair(): Promise<{ client: TcpPeer; upstream: TcpPeer }> {
    const index = silent.connections.length;
    return { client: await connect("silent"), upstream: await silent.connection(index) };
  }

  test("bytes pass both ways", async () => {
    const client = await connect("echo");
    client.write("hello");
    await client.receives("hello");
    client.close();
  });

  test("the upstream may speak first", async () => {
    const { client, upstream } = await pair();
    upstream.write("220 ready");
    await client.receives("220 ready");
    client.close();
  });

  test("a client's end of stream reaches the upstream, whose bytes still reach the client", async () => {
    const { client, upstream } = await pair();
    client.write("question");
    client.end();
    await upstream.ended();
    expect(upstream.text).toBe("question");
    upstream.write("answer");
    await client.receives("answer");
    upstream.end();
    await client.ended();
  });

  test("the upstream's end of stream reaches the client, whose bytes still reach the upstream", async () => {
    const { client, upstream } = await pair();
    upstream.write("bye");
    upstream.end();
    await client.ended();
    expect(client.text).toBe("bye");
    client.write("late");
    await upstream.receives("late");
    client.end();
    await upstream.ended();
  });

  test("a client's reset ends the upstream's connection", async () => {
    const { client, upstream } = await pair();
    client.write("x");
    await upstream.receives("x");
    client.reset();
    await upstream.over();
  });

  test("an upstream's reset ends the client's connection", async () => {
    const { client, upstream } = await pair();
    upstream.reset();
    await client.over();
  });

  for (const name of ["dead", "empty", "nowhere"])
    test(`${name}: the client's connection is closed`, async () => {
      const client = await connect(name);
      await client.over();
    });

  test("max_connect_attempts counts", async () => {
    await (await connect("stubborn")).over();
    expect(await proxy.stat("cluster.dead2.upstream_cx_total")).toBe(3);
    expect(await proxy.stat("cluster.dead2.upstream_cx_connect_fail")).toBe(3);
    expect(await proxy.stat("cluster.dead2.upstream_cx_connect_attempts_exceeded")).toBe(1);
  });

  test("idle_timeout ends a silent connection", async () => {
    const client = await connect("idle");
    await client.over();
    expect(await proxy.stat("tcp.idle.idle_timeout")).toBe(1);
  });

  test("8 MiB there and back are the same bytes", async () => {
    const client = await connect("echo");
    const data = randomBytes(8 << 20);
    client.write(data);
    await client.receivesBytes(data.length);
    expect(client.bytes.equals(data)).toBe(true);
    client.close();
  });

  test("200 connections at once", async () => {
    const clients = await Promise.all(Array.from({ length: 200 }, () => connect("echo")));
    await Promise.all(
      clients.map(async (client, i) => {
        client.write(`client ${i}`);
        await client.receives(`client ${i}`);
      }),
    );
    for (const client of clients) client.close();
  });

  test("counters", async () => {
    const first = await connect("counted");
    first.write("hello");
    await first.receives("hello");
    first.end();
    await first.ended();
    const second = await connect("counted");
    second.write("abc");
    await second.receives("abc");
    second.reset();
    await second.over();
    await expect.poll(() => proxy.stat("cluster.counted.upstream_cx_active")).toBe(0);
    const values = async (prefix: string, names: readonly string[]) =>
      Object.fromEntries(
        await Promise.all(names.map(async (name) => [name, await proxy.stat(`${prefix}.${name}`)])),
      );
    const expected = {
      upstream_cx_total: 2,
      upstream_cx_destroy: 2,
      upstream_cx_destroy_local: 1,
      upstream_cx_destroy_local_with_active_rq: 1,
      upstream_cx_destroy_remote: 1,
      upstream_cx_destroy_remote_with_active_rq: 1,
      upstream_cx_destroy_with_active_rq: 2,
      upstream_cx_connect_fail: 0,
      upstream_cx_rx_bytes_total: 8,
      upstream_cx_tx_bytes_total: 8,
      upstream_rq_total: 2,
      upstream_rq_active: 0,
      upstream_rq_pending_total: 2,
      upstream_rq_pending_active: 0,
    };
    expect(await values("cluster.counted", Object.keys(expected))).toEqual(expected);
    const downstream = {
      downstream_cx_total: 2,
      downstream_cx_rx_bytes_total: 8,
      downstream_cx_tx_bytes_total: 8,
      downstream_cx_no_route: 0,
      downstream_flow_control_paused_reading_total: 0,
      idle_timeout: 0,
      upstream_flush_total: 0,
      upstream_flush_active: 0,
    };
    expect(await values("tcp.counted", Object.keys(downstream))).toEqual(downstream);
    expect(await proxy.stat("tcp.nowhere.downstream_cx_no_route")).toBe(1);
    expect(await proxy.stat("cluster.dead.upstream_rq_pending_failure_eject")).toBe(1);
    expect(await proxy.stat("cluster.empty.upstream_cx_none_healthy")).toBe(1);
  });

  test("/listeners shows it", async () => {
    expect(await proxy.admin("/listeners")).toContain(`echo::127.0.0.1:${proxy.port("echo")}\n`);
  });
});
