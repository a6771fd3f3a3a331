import { connect } from "node:net";
import { expect } from "vitest";
import { type TcpBehaviour, tcpConformance } from "../../support/tcp-conformance";
import { echo, TcpPeer } from "../../support/tcp-peer";
import { CLIENT_ID, mutualTls, testPki, tlsConnect, tlsRefused } from "../../support/tls";

const pki = await testPki();
const START = ["context_create", "new_connection"];
const END = ["done", "log", "delete"];

/** A client whose certificate is good, and the socket under its TLS. */
async function client(b: TcpBehaviour) {
  const raw = connect({ port: b.port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  raw.on("error", () => {});
  return { raw, peer: new TcpPeer(await tlsConnect(b.port, { identity: pki.client, socket: raw })) };
}

const FACTS = [
  "mtls",
  "peer_certificate_valid",
  "tls_version",
  "uri_san_peer_certificate",
  "subject_peer_certificate",
  "subject_local_certificate",
  "termination_details",
];
const reading = (callbacks: readonly string[], names: readonly string[]) =>
  callbacks
    .map((callback) => {
      const lines = names.map((name) => ` ${callback}:${name} = prop connection ${name}`);
      return `on ${callback}\n when $parent 0 : return 0\n${lines.join("\n")}`;
    })
    .join("\n");

async function facts(b: TcpBehaviour, callback: string): Promise<(string | undefined)[]> {
  return Promise.all(FACTS.map((name) => b.logged(`${callback}:${name}`)));
}

tcpConformance("TLS: TCP", ({ behaviour }) => {
  behaviour(
    "the client closes first",
    { script: "trace", filterChain: mutualTls(pki), upstream: echo },
    async (b) => {
      const { peer } = await client(b);
      peer.write("hello");
      await peer.receives("hello");
      peer.end();
      await peer.ended();
      expect(await b.wholeTrace()).toEqual([
        ...START,
        "downstream_data 5 0",
        "upstream_data 5 0",
        "downstream_data 0 1",
        "upstream_data 0 1",
        "upstream_connection_close 0",
        "downstream_connection_close 1",
        ...END,
      ]);
    },
  );

  behaviour("the upstream closes first", { script: "trace", filterChain: mutualTls(pki) }, async (b) => {
    const { peer } = await client(b);
    const upstream = await b.upstream.connection();
    upstream.write("bye");
    await peer.receives("bye");
    upstream.end();
    await peer.ended();
    peer.write("late");
    await upstream.receives("late");
    peer.end();
    await upstream.ended();
    expect(await b.wholeTrace()).toEqual([
      ...START,
      "upstream_data 3 0",
      "upstream_data 0 1",
      "upstream_connection_close 0",
      "downstream_data 4 0",
      "downstream_data 0 1",
      "downstream_connection_close 2",
      ...END,
    ]);
  });

  behaviour("the client resets", { script: "trace", filterChain: mutualTls(pki) }, async (b) => {
    const { peer, raw } = await client(b);
    const upstream = await b.upstream.connection();
    peer.write("x");
    await upstream.receives("x");
    raw.resetAndDestroy();
    expect(await upstream.over()).toBe("reset");
    expect(await b.wholeTrace()).toEqual([
      ...START,
      "downstream_data 1 0",
      "downstream_connection_close 2",
      ...END,
    ]);
  });

  behaviour("the upstream resets", { script: "trace", filterChain: mutualTls(pki) }, async (b) => {
    const { peer } = await client(b);
    const upstream = await b.upstream.connection();
    // Otherwise the reset may meet a connection that the proxy has not taken up yet.
    upstream.write("x");
    await peer.receives("x");
    upstream.reset();
    expect(await peer.over()).toBe("reset");
    expect(await b.wholeTrace()).toEqual([
      ...START,
      "upstream_data 1 0",
      "downstream_connection_close 1",
      ...END,
    ]);
  });

  behaviour(
    "a filter closes",
    { script: "trace\non downstream_data\n close 2", filterChain: mutualTls(pki) },
    async (b) => {
      const { peer } = await client(b);
      peer.write("x");
      expect(await peer.over()).toBe("ended");
      expect(await b.wholeTrace()).toEqual([
        ...START,
        "downstream_data 1 0",
        "downstream_connection_close 1",
        ...END,
      ]);
    },
  );

  behaviour(
    "a connection is known before its handshake: the upstream is asked for, and let go when it fails",
    { script: "trace", filterChain: mutualTls(pki) },
    async (b) => {
      await tlsRefused(b.port, { identity: pki.impostor });
      expect(await b.wholeTrace()).toEqual([...START, "downstream_connection_close 2", ...END]);
      await (await b.upstream.connection()).over();
      await tlsRefused(b.port);
      await (await b.upstream.connection(1)).over();
    },
  );

  const LOCAL = "0 CN=server,O=toolkit";
  const BEFORE = ["0 %00", "0 %00", "0 TLSv1.2", "1", "0", LOCAL, "1"];
  const SUBJECT = "0 CN=cart,OU=S\\C3\\A4les,O=Sue\\, Grabbit and Runn,C=US";

  behaviour(
    "what is known of the peer: nothing at first, all with the first bytes",
    {
      script: reading(["downstream_data", "downstream_connection_close", "log"], FACTS),
      filterChain: mutualTls(pki),
      upstream: echo,
    },
    async (b) => {
      const { peer } = await client(b);
      peer.write("x");
      await peer.receives("x");
      peer.end();
      await peer.ended();
      const known = ["0 %01", "0 %01", "0 TLSv1.3", `0 ${CLIENT_ID}`, SUBJECT, LOCAL, "1"];
      for (const callback of ["downstream_data", "downstream_connection_close", "log"])
        expect(await facts(b, callback), callback).toEqual(known);
    },
  );

  behaviour(
    "who asks early is told of TLS 1.2, and hears it ever after",
    {
      script: reading(["new_connection", "downstream_data"], FACTS),
      filterChain: mutualTls(pki),
      upstream: echo,
    },
    async (b) => {
      const { peer } = await client(b);
      peer.write("x");
      await peer.receives("x");
      peer.close();
      expect(await facts(b, "new_connection")).toEqual(BEFORE);
      expect(await facts(b, "downstream_data")).toEqual([
        "0 %01",
        "0 %01",
        "0 TLSv1.2",
        `0 ${CLIENT_ID}`,
        SUBJECT,
        LOCAL,
        "1",
      ]);
    },
  );

  const REASON = ["transport_failure_reason"];
  behaviour(
    "why a client was refused, and who it said it was",
    {
      script: reading(["new_connection", "log"], [...FACTS, ...REASON]),
      filterChain: mutualTls(pki),
    },
    async (b) => {
      await tlsRefused(b.port, { identity: pki.impostor });
      expect(await b.logged("new_connection:transport_failure_reason")).toBe("1");
      expect(await b.logged("log:mtls")).toBe("0 %01");
      expect(await b.logged("log:peer_certificate_valid")).toBe("0 %00");
      expect(await b.logged("log:uri_san_peer_certificate")).toBe(`0 ${CLIENT_ID}`);
      expect(await b.logged("log:termination_details")).toBe("1");
      expect(await b.logged("log:transport_failure_reason")).toMatch(
        /^0 TLS_error:%7C268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: X509_verify_cert: certificate verification error at depth 0: .+:TLS_error_end$/,
      );
    },
  );

  behaviour(
    "the same of one without a certificate, and of one with the wrong name",
    {
      script: reading(["log"], REASON),
      filterChain: mutualTls(pki, {
        validation_context: {
          trusted_ca: { inline_string: pki.ca.certificate },
          match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: "spiffe://nobody" } }],
        },
      }),
    },
    async (b) => {
      await tlsRefused(b.port);
      await tlsRefused(b.port, { identity: pki.twoNames });
      await b.message((message) => message.includes("SAN matcher"));
      expect(await b.allLogged("log:transport_failure_reason")).toEqual([
        "0 TLS_error:%7C268435648:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE:peer did not provide required client certificate:TLS_error_end",
        "0 TLS_error:%7C268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: SAN matcher, certificate SANs are [spiffe://cluster.local/first, spiffe://cluster.local/second]:TLS_error_end",
      ]);
    },
  );

  behaviour(
    "much data both ways, and a slow reader",
    {
      script: "",
      filterChain: mutualTls(pki),
      upstream: echo,
      listener: { per_connection_buffer_limit_bytes: 32768 },
    },
    async (b) => {
      const { peer } = await client(b);
      const data = Buffer.alloc(2_000_000, "0123456789");
      peer.socket.pause();
      peer.write(data);
      setImmediate(() => peer.socket.resume());
      await peer.receivesBytes(data.length);
      expect(peer.bytes.equals(data)).toBe(true);
      peer.close();
    },
  );
});
