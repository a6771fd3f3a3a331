import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { conformance } from "../../support/conformance";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { guest } from "../../support/guests";
import { RawUpstream } from "../../support/raw-upstream";
import { TcpPeer } from "../../support/tcp-peer";
import { downstreamTls, testPki, tlsConnect } from "../../support/tls";
import { asking, body, grants, switching, TRACE, until, upgraded } from "../../support/upgrades";

const WEBSOCKETS = { upgrade_configs: [{ upgrade_type: "websocket" }] };
const pki = await testPki();

conformance("Upgrades and what is around them", ({ behaviour, proxy }) => {
  behaviour(
    "silence ends one, not before",
    { script: TRACE, manager: { ...WEBSOCKETS, stream_idle_timeout: "0.4s" }, upstream: grants },
    async (b) => {
      const peer = await upgraded(b);
      const started = performance.now();
      for (let i = 0; i < 6; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        peer.write("x");
      }
      await peer.over();
      expect(performance.now() - started).toBeGreaterThan(900);
      expect(body(peer.text).startsWith("hiecho:x")).toBe(true);
      expect([await b.logged("details"), await b.logged("flags")]).toEqual([
        "0 stream_idle_timeout",
        "0 65536",
      ]);
      expect(await proxy().stat(`http.${b.id}.downstream_rq_idle_timeout`)).toBe(1);
      await until(() => b.upstream.sockets.size === 0);
    },
  );

  let attempts = 0;
  behaviour(
    "a host that refuses is asked again, where the route says so",
    {
      manager: WEBSOCKETS,
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            cluster: id,
            retry_policy: { retry_on: "5xx", retry_back_off: { base_interval: "0.001s" } },
          },
        },
      ],
      upstream: (_, reply) => (attempts++ === 0 ? reply.send({ status: 503 }) : switching(reply)),
    },
    async (b) => {
      const peer = await upgraded(b, "hiecho:ahead", `${asking("/")}ahead`);
      expect(peer.text).toMatch(/^HTTP\/1.1 101 /);
      expect(b.upstream.requests.length).toBe(2);
      peer.close();
    },
  );

  behaviour("nobody is there", { script: TRACE, manager: WEBSOCKETS, dead: true }, async (b) => {
    const peer = await TcpPeer.connect(b.port);
    peer.write(asking("/"));
    await peer.over();
    expect(peer.text).toMatch(/^HTTP\/1.1 503 .*remote connection failure$/s);
    expect(await b.logged("flags")).toBe("0 32");
  });

  behaviour(
    "over TLS",
    {
      manager: { ...WEBSOCKETS, codec_type: "HTTP1" },
      filterChain: downstreamTls(pki.server),
      upstream: grants,
    },
    async (b) => {
      const socket = await tlsConnect(b.port, { rejectUnauthorized: false });
      let text = "";
      socket.on("data", (data) => {
        text += data.toString("latin1");
      });
      socket.write(asking("/"));
      await until(() => text.endsWith("hi"));
      socket.write("one");
      await until(() => text.endsWith("hiecho:one"));
      expect((await b.upstream.request()).header("x-forwarded-proto")).toBe("https");
      socket.destroy();
      await until(() => b.upstream.sockets.size === 0);
    },
  );
});

describeEngines("Upgrades behind network filters", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start(grants);
    const filter = build.networkWasmFilter({
      name: "bytes",
      rootId: "bytes",
      wasm: await guest("puppet"),
      configuration: `on downstream_data
when $size 3 : set-buffer 2 0 3 ONE
on upstream_data
when $size 8 : set-buffer 3 0 4 ECHO`,
    });
    proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "main",
            networkFilters: [filter],
            routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }],
            manager: WEBSOCKETS,
          }),
        ],
        clusters: [build.cluster("upstream", upstream.port)],
      }),
    );
  });
  afterAll(() => upstream?.close());

  test("their bytes are the tunnel's", async () => {
    const peer = await TcpPeer.connect(proxy.port());
    peer.write(asking("/"));
    await until(() => peer.text.endsWith("hi"));
    peer.write("one");
    await until(() => body(peer.text) === "hiECHO:ONE");
    peer.end();
    await peer.over();
    await until(() => upstream.sockets.size === 0);
    await until(async () => (await proxy.stat("http.main.downstream_cx_upgrades_active")) === 0);
  });
});
