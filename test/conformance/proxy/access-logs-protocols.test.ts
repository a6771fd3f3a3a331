import { connect } from "node:net";
import { both, LogUnderTest, settled } from "../../support/access-logs";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { H2Client, type H2Request, h2Exchange } from "../../support/h2-client";
import type { Http2Handler, Http2Request } from "../../support/http2-upstream";
import { RawClient } from "../../support/raw-client";
import { type TcpBehaviour, type TcpSetup, tcpConformance } from "../../support/tcp-conformance";
import { echo } from "../../support/tcp-peer";
import {
  downstreamTls,
  mutualTls,
  testPki,
  tlsCertificate,
  tlsConnect,
  tlsExchange,
  trustedCa,
  upstreamTls,
} from "../../support/tls";

const pki = await testPki();

interface Kind extends Setup {
  run: (b: Behaviour) => Promise<unknown>;
  lines?: number;
  /** Entries come until the end, nobody knows how many. */
  repeated?: boolean;
  differs?: readonly string[];
}

/** What Node does not know of HTTP/2's frames: see docs/envoy-differences.md. */
const frames = (side: "DOWNSTREAM" | "UPSTREAM") =>
  ["WIRE", "HEADER"].flatMap((what) => ["SENT", "RECEIVED"].map((way) => `${side}_${what}_BYTES_${way}`));
const DOWN = frames("DOWNSTREAM");
const UP = frames("UPSTREAM");

/** What Node does not tell of TLS. */
const CLIENT_TLS = [
  ...["DOWNSTREAM_TLS_GROUP", "DOWNSTREAM_TLS_SESSION_ID"],
  ...["DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256", "DOWNSTREAM_PEER_ISSUER_SERIAL"],
];
const HOST_TLS = ["UPSTREAM_TLS_SESSION_ID"];

const toH2 = (id: string): Json[] => [{ name: "r", match: { prefix: "/" }, route: { cluster: `${id}-h2` } }];

const answer =
  (reply: (stream: Http2Request["stream"]) => void): Http2Handler =>
  async (request) => {
    await request.ended();
    if (!request.stream.destroyed) reply(request.stream);
  };
const ok = answer((stream) => {
  stream.respond({ ":status": 200 });
  stream.end("ok");
});
const grpc = (status: string, message?: string) =>
  answer((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () =>
      stream.sendTrailers({ "grpc-status": status, ...(message && { "grpc-message": message }) }),
    );
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  });

const CALL: H2Request = {
  method: "POST",
  path: "/pkg.Service/Method",
  headers: [
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ],
  body: "\0\0\0\0\0",
};
const h2 = (request: H2Request) => (b: Behaviour) => h2Exchange(b.port, request);

const KINDS: Readonly<Record<string, Kind>> = {
  "HTTP/2": { run: h2({ path: "/a?q=1" }), differs: DOWN },
  "HTTP/2 with a body": { run: h2({ method: "POST", body: "hello" }), differs: DOWN },
  "HTTP/2 to HTTP/2": { routes: toH2, http2: ok, run: h2({}), differs: [...DOWN, ...UP] },
  "HTTP/1.1 to HTTP/2": {
    routes: toH2,
    http2: ok,
    run: (b) => b.exchange({ method: "POST", body: "x" }),
    differs: UP,
  },
  "HTTP/2 without a route": { routes: () => [], run: h2({}), differs: DOWN },
  "reset by the client": {
    upstream: () => {},
    differs: DOWN,
    run: async (b) => {
      const client = await H2Client.connect(b.port);
      const exchange = client.start({});
      await b.upstream.request();
      exchange.reset();
    },
  },
  "reset by the host": {
    routes: toH2,
    http2: (request) => request.stream.close(2),
    run: h2({}),
    differs: [...DOWN, ...UP],
  },
  "refused by the host": {
    routes: toH2,
    http2: (request) => request.stream.close(7),
    run: h2({}),
    differs: [...DOWN, ...UP],
  },
  "gRPC, fine": { routes: toH2, http2: grpc("0"), run: h2(CALL), differs: [...DOWN, ...UP] },
  "gRPC, an error": { routes: toH2, http2: grpc("5", "gone"), run: h2(CALL), differs: [...DOWN, ...UP] },
  "gRPC, a number beyond": { routes: toH2, http2: grpc("77"), run: h2(CALL), differs: [...DOWN, ...UP] },
  "gRPC, trailers only": {
    routes: toH2,
    http2: answer((stream) =>
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": "7" },
        { endStream: true },
      ),
    ),
    run: h2(CALL),
    differs: [...DOWN, ...UP],
  },
  "gRPC, nobody there": {
    routes: () => [{ match: { prefix: "/" }, route: { cluster: "empty" } }],
    run: h2(CALL),
    differs: [...DOWN, "to DS_TX_END"],
  },
  "gRPC over HTTP/1.1, no route": {
    routes: () => [],
    run: (b) => b.exchange({ method: "POST", headers: [["content-type", "application/grpc"]] }),
  },
  TLS: {
    differs: CLIENT_TLS,
    filterChain: downstreamTls(pki.server),
    run: (b) => tlsExchange(b.port, { servername: "server.example" }),
  },
  "TLS 1.2": {
    differs: CLIENT_TLS,
    filterChain: downstreamTls(pki.server),
    run: (b) =>
      tlsExchange(b.port, {
        maxVersion: "TLSv1.2",
        ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
      }),
  },
  mTLS: {
    differs: CLIENT_TLS,
    filterChain: { ...mutualTls(pki), name: "the-chain" },
    listener: {
      listener_filters: [
        {
          name: "envoy.filters.listener.tls_inspector",
          typed_config: {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
          },
        },
      ],
    },
    run: (b) => tlsExchange(b.port, { identity: pki.client, servername: "server.example" }),
  },
  "mTLS with two names": {
    differs: CLIENT_TLS,
    filterChain: mutualTls(pki),
    run: (b) => tlsExchange(b.port, { identity: pki.twoNames }),
  },
  "TLS to the host": {
    differs: HOST_TLS,
    upstreamTls: { cert: pki.server.certificate, key: pki.server.key },
    cluster: upstreamTls({ validation_context: trustedCa(pki.ca) }, { sni: "server.example" }),
    run: (b) => b.exchange(),
  },
  "mTLS to the host": {
    differs: HOST_TLS,
    upstreamTls: {
      cert: pki.server.certificate,
      key: pki.server.key,
      requestCert: true,
      ca: pki.ca.certificate,
    },
    cluster: upstreamTls({ tls_certificates: [tlsCertificate(pki.client)] }, { sni: "server.example" }),
    run: (b) => b.exchange(),
  },
  "TLS to a host with a wrong certificate": {
    upstreamTls: { cert: pki.server.certificate, key: pki.server.key },
    cluster: upstreamTls({ validation_context: trustedCa(pki.otherCa) }),
    run: (b) => b.exchange(),
  },
  "at the beginning": {
    manager: { access_log_options: { flush_access_log_on_new_request: true } },
    lines: 2,
    run: (b) => b.exchange(),
  },
  "again and again": {
    manager: { access_log_options: { access_log_flush_interval: "0.1s" } },
    upstream: async (_, reply) => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      reply.send({});
    },
    repeated: true,
    run: (b) => b.exchange(),
  },
};

conformance(
  "Access logs of protocols",
  ({ behaviour, engine }) => {
    for (const [name, { run, lines = 1, repeated, differs, ...setup }] of Object.entries(KINDS)) {
      const log = new LogUnderTest();
      const routes =
        setup.routes ?? ((id: string) => [{ name: "r", match: { prefix: "/" }, route: { cluster: id } }]);
      behaviour(
        name,
        { ...setup, routes, manager: { ...setup.manager, access_log: [log.entry()] } },
        async (b) => {
          await run(b);
          const host = (setup.http2 ? b.http2 : (b.front ?? b.upstream)).port;
          const entries = (repeated ? await log.ends() : await log.entries(lines)).map((e) =>
            settled(e, { "<listener>": b.port, "<host>": host }),
          );
          both(name, engine.name, entries, differs);
        },
      );
    }
  },
  { logFlushMs: 20 },
);

interface TcpKind extends Omit<TcpSetup, "script"> {
  run: (b: TcpBehaviour) => Promise<unknown>;
  lines?: number;
  differs?: readonly string[];
}

async function talk(b: TcpBehaviour): Promise<void> {
  const client = await b.connect();
  client.write("hello");
  await client.receives("hello");
  client.end();
  await client.ended();
}

const TCP_KINDS: Readonly<Record<string, TcpKind>> = {
  "the client ends": { upstream: echo, run: talk },
  "the host ends": {
    upstream: (peer) => {
      peer.write("bye");
      peer.end();
    },
    run: async (b) => {
      const client = await b.connect();
      await client.ended();
      client.end();
    },
  },
  "the client resets": {
    upstream: echo,
    run: async (b) => {
      const client = await b.connect();
      client.write("hello");
      await client.receives("hello");
      client.socket.resetAndDestroy();
    },
  },
  refused: {
    differs: ["DOWNSTREAM_LOCAL_CLOSE_REASON"],
    dead: true,
    run: async (b) => (await b.connect()).ended(),
  },
  "no such cluster": {
    differs: ["DOWNSTREAM_LOCAL_CLOSE_REASON"],
    proxy: { cluster: "nowhere" },
    run: async (b) => (await b.connect()).ended(),
  },
  mTLS: {
    differs: [...CLIENT_TLS, "to US_HS_END"],
    upstream: echo,
    filterChain: mutualTls(pki),
    run: async (b) => {
      const raw = connect({ port: b.port, host: "127.0.0.1" });
      const socket = await tlsConnect(b.port, { identity: pki.client, socket: raw });
      const client = RawClient.over(socket);
      client.write("hello");
      await client.bytes();
      client.close();
    },
  },
  "when the host answers": {
    upstream: echo,
    proxy: { access_log_options: { flush_access_log_on_connected: true } },
    lines: 2,
    run: talk,
  },
};

tcpConformance(
  "Access logs of TCP",
  ({ behaviour, engine }) => {
    for (const [name, { run, lines = 1, differs, ...setup }] of Object.entries(TCP_KINDS)) {
      const log = new LogUnderTest();
      behaviour(
        name,
        { ...setup, script: [], proxy: { ...setup.proxy, access_log: [log.entry()] } },
        async (b) => {
          await run(b);
          const ports = { "<listener>": b.port, "<host>": b.upstream.port };
          const entries = (await log.entries(lines)).map((e) => settled(e, ports));
          both(`tcp: ${name}`, engine.name, entries, differs);
        },
      );
    }
  },
  { logFlushMs: 20 },
);
