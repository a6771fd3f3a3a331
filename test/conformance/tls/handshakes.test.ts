import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { TLSSocket } from "node:tls";
import { expect, vi } from "vitest";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { H2Client } from "../../support/h2-client";
import { RawClient } from "../../support/raw-client";
import {
  CLIENT_ID,
  type ClientTls,
  downstreamTls,
  mutualTls,
  testPki,
  tlsConnect,
  tlsExchange,
  tlsRefused,
  trustedCa,
} from "../../support/tls";

const pki = await testPki();
const digest = (data: Buffer | string) => createHash("sha256").update(data);
const client = new X509Certificate(pki.client.certificate);
const spki = client.publicKey.export({ type: "spki", format: "der" });

const COUNTERS = [
  "connection_error",
  "fail_verify_cert_hash",
  "fail_verify_error",
  "fail_verify_no_cert",
  "fail_verify_san",
  "handshake",
  "no_certificate",
  "session_reused",
] as const;
type Counts = Partial<Record<(typeof COUNTERS)[number], number>>;

let listeners = 0;

/** Stats under a prefix of the behaviour's own. */
function counted(filterChain: Setup["filterChain"], more: Setup = {}): Setup {
  return { ...more, filterChain: filterChain!, listener: { stat_prefix: `tls${++listeners}` } };
}

/** Waits until the listener's counters say this, and nothing else. */
async function expectCounts(b: Behaviour, counts: Counts): Promise<void> {
  const prefix = `listener.${b.setup.listener!.stat_prefix}.ssl.`;
  const read = async () => {
    const values = await Promise.all(
      COUNTERS.map(async (name) => [name, await b.proxy.stat(prefix + name)] as const),
    );
    return Object.fromEntries(values.filter(([, value]) => value !== 0));
  };
  await vi.waitFor(async () => expect(await read()).toEqual(counts), 5000);
}

const WRONG: readonly [string, ClientTls, Counts, string][] = [
  ["no certificate", {}, { fail_verify_no_cert: 1 }, "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"],
  [
    "one of another authority",
    { identity: pki.impostor },
    { fail_verify_error: 1 },
    "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
  ],
  [
    "one that has expired",
    { identity: pki.expired },
    { fail_verify_error: 1 },
    "ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED",
  ],
];

conformance("TLS: handshakes", ({ behaviour, engine }) => {
  /** Node cannot send the alert for a certificate it has looked at itself. */
  const expectRefusal = (code: string, alert: string) => {
    if (engine.name === "envoy" || alert.endsWith("REQUIRED") || alert.endsWith("FAILURE"))
      expect(code).toBe(alert);
    else expect(["closed", "ECONNRESET"]).toContain(code);
  };

  for (const [what, tls, counts, alert] of WRONG) {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      behaviour(`STRICT refuses ${what}: ${version}`, counted(mutualTls(pki)), async (b) => {
        const code = await tlsRefused(b.port, { ...tls, maxVersion: version });
        const sent =
          version === "TLSv1.2" && alert.endsWith("REQUIRED")
            ? "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE"
            : alert;
        expectRefusal(code, sent);
        await expectCounts(b, counts);
      });
    }
  }

  behaviour("STRICT serves who shows a certificate of its authority", counted(mutualTls(pki)), async (b) => {
    for (const identity of [pki.client, pki.stranger, pki.twoNames])
      expect((await tlsExchange(b.port, { identity })).status).toBe(200);
    await expectCounts(b, { handshake: 3 });
  });

  behaviour(
    "a certificate that is asked for and not required may be missing, not wrong",
    counted(downstreamTls(pki.server, { validation_context: trustedCa(pki.ca) })),
    async (b) => {
      expect((await tlsExchange(b.port)).status).toBe(200);
      expect((await tlsExchange(b.port, { identity: pki.client })).status).toBe(200);
      expectRefusal(await tlsRefused(b.port, { identity: pki.impostor }), "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
      await expectCounts(b, { handshake: 2, no_certificate: 1, fail_verify_error: 1 });
    },
  );

  behaviour(
    "a certificate that is required, but nothing to check it with, is not asked for",
    counted(downstreamTls(pki.server, {}, { require_client_certificate: true })),
    async (b) => {
      expect((await tlsExchange(b.port)).status).toBe(200);
      expect((await tlsExchange(b.port, { identity: pki.impostor })).status).toBe(200);
      await expectCounts(b, { handshake: 2, no_certificate: 2 });
    },
  );

  behaviour(
    "names: any of the certificate's may match any matcher",
    counted(
      mutualTls(pki, {
        validation_context: {
          ...trustedCa(pki.ca),
          match_typed_subject_alt_names: [
            { san_type: "URI", matcher: { exact: CLIENT_ID } },
            { san_type: "URI", matcher: { suffix: "/second" } },
            { san_type: "DNS", matcher: { prefix: "spiffe" } },
          ],
        },
      }),
    ),
    async (b) => {
      expect((await tlsExchange(b.port, { identity: pki.client })).status).toBe(200);
      expect((await tlsExchange(b.port, { identity: pki.twoNames })).status).toBe(200);
      expectRefusal(
        await tlsRefused(b.port, { identity: pki.stranger }),
        "ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN",
      );
      await expectCounts(b, { handshake: 2, fail_verify_san: 1 });
    },
  );

  behaviour(
    "digests of certificates and keys: one of them must fit",
    counted(
      mutualTls(pki, {
        validation_context: {
          ...trustedCa(pki.ca),
          verify_certificate_hash: [
            new X509Certificate(pki.twoNames.certificate).fingerprint256,
            digest("nobody").digest("hex"),
          ],
          verify_certificate_spki: [digest(spki).digest("base64")],
        },
      }),
    ),
    async (b) => {
      expect((await tlsExchange(b.port, { identity: pki.client })).status).toBe(200);
      expect((await tlsExchange(b.port, { identity: pki.twoNames })).status).toBe(200);
      expectRefusal(
        await tlsRefused(b.port, { identity: pki.stranger }),
        "ERR_SSL_TLSV1_BAD_CERTIFICATE_HASH_VALUE",
      );
      await expectCounts(b, { handshake: 2, fail_verify_cert_hash: 1 });
    },
  );

  behaviour(
    "whoever signed it: a wrong certificate is counted and served",
    counted(
      downstreamTls(pki.server, {
        validation_context: { ...trustedCa(pki.ca), trust_chain_verification: "ACCEPT_UNTRUSTED" },
      }),
    ),
    async (b) => {
      expect((await tlsExchange(b.port, { identity: pki.impostor })).status).toBe(200);
      expect((await tlsExchange(b.port, { identity: pki.expired })).status).toBe(200);
      expect((await tlsExchange(b.port)).status).toBe(200);
      await expectCounts(b, { handshake: 3, fail_verify_error: 2, no_certificate: 1 });
    },
  );

  behaviour(
    "versions: TLS 1.2 and 1.3, unless the file says otherwise",
    counted(downstreamTls(pki.server)),
    async (b) => {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const raw = RawClient.over(await tlsConnect(b.port, { minVersion: version, maxVersion: version }));
        expect((raw.socket as TLSSocket).getProtocol()).toBe(version);
        expect((await raw.exchange({})).status).toBe(200);
        raw.close();
      }
      const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
      expect(await tlsRefused(b.port, old)).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
      await expectCounts(b, { handshake: 2, no_certificate: 2, connection_error: 1 });
    },
  );

  behaviour(
    "versions: the lowest and the highest that is configured",
    counted(downstreamTls(pki.server, { tls_params: { tls_minimum_protocol_version: "TLSv1_3" } })),
    async (b) => {
      expect(await tlsRefused(b.port, { maxVersion: "TLSv1.2" })).toBe(
        "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
      );
      expect((await tlsExchange(b.port)).status).toBe(200);
      await expectCounts(b, { handshake: 1, no_certificate: 1, connection_error: 1 });
    },
  );

  behaviour(
    "cipher suites as configured, in the proxy's order",
    counted(
      downstreamTls(pki.server, {
        tls_params: {
          tls_maximum_protocol_version: "TLSv1_2",
          cipher_suites: [
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-ECDSA-AES256-GCM-SHA384]",
          ],
        },
      }),
    ),
    async (b) => {
      const chosen = async (ciphers: string) => {
        const socket = await tlsConnect(b.port, { ciphers });
        const { name } = socket.getCipher();
        socket.destroy();
        return name;
      };
      const both = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305";
      expect(await chosen(both)).toBe("ECDHE-ECDSA-CHACHA20-POLY1305");
      expect(await chosen("ECDHE-ECDSA-AES256-GCM-SHA384")).toBe("ECDHE-ECDSA-AES256-GCM-SHA384");
      expect(await tlsRefused(b.port, { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).toBe(
        "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE",
      );
      await expectCounts(b, { handshake: 2, no_certificate: 2, connection_error: 1 });
    },
  );

  behaviour(
    "the client's order, when it is preferred",
    {
      filterChain: downstreamTls(
        pki.server,
        { tls_params: { tls_maximum_protocol_version: "TLSv1_2" } },
        { prefer_client_ciphers: true },
      ),
    },
    async (b) => {
      for (const first of ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"]) {
        const socket = await tlsConnect(b.port, { ciphers: `${first}:ECDHE-ECDSA-CHACHA20-POLY1305` });
        expect(socket.getCipher().name).toBe(first);
        socket.destroy();
      }
    },
  );

  behaviour(
    "ALPN chooses among HTTP/2 and HTTP/1.1, in the proxy's order",
    counted(downstreamTls(pki.server, { alpn_protocols: ["h2", "http/1.1"] })),
    async (b) => {
      const http2 = await tlsConnect(b.port, { ALPNProtocols: ["http/1.1", "h2"] });
      expect(http2.alpnProtocol).toBe("h2");
      const h2 = await H2Client.over(http2);
      expect((await h2.request()).status).toBe(200);
      h2.close();
      const http1 = await tlsConnect(b.port, { ALPNProtocols: ["http/1.1"] });
      expect(http1.alpnProtocol).toBe("http/1.1");
      const raw = RawClient.over(http1);
      expect((await raw.exchange({})).statusLine).toBe("HTTP/1.1 200 OK");
      raw.close();
    },
  );

  behaviour("without ALPN the first bytes choose", { filterChain: downstreamTls(pki.server) }, async (b) => {
    const http2 = await tlsConnect(b.port, { ALPNProtocols: ["h2"] });
    expect(http2.alpnProtocol).toBe(false);
    const h2 = await H2Client.over(http2);
    expect((await h2.request()).status).toBe(200);
    h2.close();
    expect((await tlsExchange(b.port)).status).toBe(200);
  });

  behaviour(
    "a configured codec asks nobody",
    {
      filterChain: downstreamTls(pki.server, { alpn_protocols: ["http/1.1"] }),
      manager: { codec_type: "HTTP2" },
    },
    async (b) => {
      const h2 = await H2Client.over(await tlsConnect(b.port, { ALPNProtocols: ["http/1.1"] }));
      expect((await h2.request()).status).toBe(200);
      h2.close();
    },
  );

  behaviour(
    "a session is resumed with a ticket, and its certificate is known again",
    counted(mutualTls(pki), { script: "on request_headers\n id = prop connection uri_san_peer_certificate" }),
    async (b) => {
      const first = RawClient.over(await tlsConnect(b.port, { identity: pki.client, maxVersion: "TLSv1.2" }));
      expect((await first.exchange({})).status).toBe(200);
      const session = (first.socket as TLSSocket).getSession()!;
      first.close();
      const again = await tlsConnect(b.port, { identity: pki.client, maxVersion: "TLSv1.2", session });
      expect(again.isSessionReused()).toBe(true);
      const second = RawClient.over(again);
      expect((await second.exchange({})).status).toBe(200);
      second.close();
      await expectCounts(b, { handshake: 2, session_reused: 1 });
      expect(await b.allLogged("id")).toEqual([`0 ${CLIENT_ID}`, `0 ${CLIENT_ID}`]);
    },
  );

  behaviour(
    "tickets can be switched off",
    counted(
      downstreamTls(
        pki.server,
        {},
        { disable_stateless_session_resumption: true, disable_stateful_session_resumption: true },
      ),
    ),
    async (b) => {
      const first = await tlsConnect(b.port, { maxVersion: "TLSv1.2" });
      const session = first.getSession()!;
      first.destroy();
      const second = await tlsConnect(b.port, { maxVersion: "TLSv1.2", session });
      expect(second.isSessionReused()).toBe(false);
      second.destroy();
      await expectCounts(b, { handshake: 2, no_certificate: 2 });
    },
  );

  behaviour("plain HTTP is no TLS", counted(downstreamTls(pki.server)), async (b) => {
    const socket = connect(b.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    socket.resume();
    await once(socket, "close");
    await expectCounts(b, { connection_error: 1 });
  });

  behaviour("a client that does not trust the proxy", counted(downstreamTls(pki.server)), async (b) => {
    const code = await tlsRefused(b.port, { ca: pki.otherCa.certificate, rejectUnauthorized: true });
    expect(code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  behaviour("a client that leaves before it has said anything", counted(mutualTls(pki)), async (b) => {
    const socket = connect(b.port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    expect((await tlsExchange(b.port, { identity: pki.client })).status).toBe(200);
    await expectCounts(b, { handshake: 1 });
  });

  behaviour(
    "large bodies pass both ways",
    {
      filterChain: downstreamTls(pki.server),
      upstream: async (request, reply) => reply.send({ body: (await request.message).body }),
    },
    async (b) => {
      const body = Buffer.alloc(3_000_000, "abcdefghij");
      const response = await tlsExchange(b.port, {}, { method: "POST", body });
      expect(response.body.equals(body)).toBe(true);
    },
  );
});
