import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  bootstrap,
  cluster,
  type Json,
  networkWasmFilter,
  socketAddress,
  tcpListener,
} from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { guest } from "../../support/guests";
import { TcpPeer, TcpUpstream } from "../../support/tcp-peer";

const lb = (fields: Json) => ({ filter_metadata: { "envoy.lb": fields } });

/** Where connections go: clusters by weight, hosts by metadata and by the client's address; and how long they last. */
describeEngines("TCP proxy: clusters", (engine) => {
  const names = ["a", "b", "c", "d"];
  let upstreams: TcpUpstream[];
  let patient: TcpUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    // Each host says who it is, and closes.
    upstreams = await Promise.all(names.map((name) => TcpUpstream.start((peer) => peer.socket.end(name))));
    patient = await TcpUpstream.start();
    const group = (more: Json): Json => ({
      type: "STATIC",
      connect_timeout: "1s",
      load_assignment: {
        cluster_name: "group",
        endpoints: [
          {
            lb_endpoints: upstreams.map((upstream, i) => ({
              endpoint: { address: socketAddress(upstream.port) },
              metadata: lb({ host: names[i]!, half: i < 2 ? "first" : "second" }),
            })),
          },
        ],
      },
      ...more,
    });
    const listener = (name: string, more: Json) =>
      tcpListener({ name, proxy: { cluster: undefined, ...more } });
    const weighted = (...clusters: Json[]) => ({ weighted_clusters: { clusters } });
    proxy = await engine.start(
      bootstrap({
        listeners: [
          listener("weights", weighted({ name: "a", weight: 3 }, { name: "b", weight: 1 })),
          listener("hole", weighted({ name: "nowhere", weight: 1 })),
          listener("one of all", { cluster: "subsets", metadata_match: lb({ host: "c" }) }),
          listener("nobody", { cluster: "subsets", metadata_match: lb({ host: "z" }) }),
          listener("merged", {
            ...weighted({ name: "subsets", weight: 1, metadata_match: lb({ host: "d" }) }),
            metadata_match: lb({ half: "second" }),
          }),
          listener("by address", { cluster: "ring", hash_policy: [{ source_ip: {} }] }),
          listener("spread", { cluster: "ring" }),
          tcpListener({
            name: "short",
            filters: [
              networkWasmFilter({
                name: "short",
                wasm: await guest("puppet"),
                configuration: "on log\nflags = prop-int response flags",
              }),
            ],
            proxy: { cluster: "patient", max_downstream_connection_duration: "0.3s" },
          }),
        ],
        clusters: [
          ...upstreams.map((upstream, i) => cluster(names[i]!, upstream.port)),
          cluster("patient", patient.port),
          {
            name: "subsets",
            ...group({
              lb_subset_config: { subset_selectors: [{ keys: ["host"] }, { keys: ["half", "host"] }] },
            }),
          },
          { name: "ring", ...group({ lb_policy: "RING_HASH" }) },
        ],
      }),
    );
  });
  afterAll(() => Promise.all([...upstreams, patient].map((upstream) => upstream?.close())));

  /** What a connection from an address of this machine is told. */
  async function told(name: string, localAddress = "127.0.0.1"): Promise<string> {
    const socket = connect({ port: proxy.port(name), host: "127.0.0.1", localAddress });
    return text(socket);
  }

  const many = (count: number, ask: (i: number) => Promise<string>) =>
    Promise.all(Array.from({ length: count }, (_, i) => ask(i)));

  test("by weight", async () => {
    const answers = await many(300, () => told("weights"));
    const first = answers.filter((answer) => answer === "a").length;
    // 225, give or take six standard deviations.
    expect(first).toBeGreaterThan(180);
    expect(first).toBeLessThan(270);
    expect(answers.filter((answer) => answer === "b").length).toBe(300 - first);
    expect(await proxy.stat("cluster.a.upstream_cx_total")).toBe(first);
  });

  test("a cluster that is not there", async () => {
    expect(await told("hole")).toBe("");
    expect(await proxy.stat("tcp.hole.downstream_cx_no_route")).toBe(1);
  });

  test("hosts by metadata, the proxy's and the cluster's", async () => {
    expect(new Set(await many(8, () => told("one of all")))).toEqual(new Set(["c"]));
    expect(new Set(await many(8, () => told("merged")))).toEqual(new Set(["d"]));
    expect(await told("nobody")).toBe("");
    expect(await proxy.stat("cluster.subsets.upstream_cx_none_healthy")).toBe(1);
  });

  test("hosts by the client's address", async () => {
    const addresses = Array.from({ length: 24 }, (_, i) => `127.0.0.${i + 2}`);
    const first = await many(addresses.length, (i) => told("by address", addresses[i]));
    const second = await many(addresses.length, (i) => told("by address", addresses[i]));
    expect(second).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
    // Without a policy one address is as good as another.
    expect(new Set(await many(40, () => told("spread"))).size).toBeGreaterThan(1);
  });

  test("a connection that has lasted long enough is closed, however busy it is", async () => {
    const started = performance.now();
    const client = await TcpPeer.connect(proxy.port("short"));
    const host = await patient.connection();
    const busy = setInterval(() => client.write("x"), 20);
    await client.over();
    clearInterval(busy);
    expect(performance.now() - started).toBeGreaterThan(250);
    await host.over();
    expect(host.length).toBeGreaterThan(0);
    expect(await proxy.stat("tcp.short.max_downstream_connection_duration")).toBe(1);
    const said = await proxy.log.waitFor(
      (lines) => lines.map(({ message }) => /flags=\S+ (\d+)/.exec(message)).find(Boolean),
      "the flags",
    );
    expect(said![1]).toBe(String(1 << 22));
  });
});
