import { X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { type Behaviour, conformance } from "../../support/conformance";
import { percent } from "../../support/guest-bytes";
import { CLIENT_ID, downstreamTls, mutualTls, testPki, tlsExchange, trustedCa } from "../../support/tls";

const pki = await testPki();
const certificate = new X509Certificate(pki.client.certificate);

/** Every attribute of a connection that TLS has a word in. */
const ATTRIBUTES = [
  "mtls",
  "peer_certificate_valid",
  "requested_server_name",
  "tls_version",
  "subject_local_certificate",
  "subject_peer_certificate",
  "dns_san_local_certificate",
  "dns_san_peer_certificate",
  "uri_san_local_certificate",
  "uri_san_peer_certificate",
  "sha256_peer_certificate_digest",
  "peer_certificate",
  "termination_details",
  "transport_failure_reason",
] as const;
type Facts = Readonly<Record<(typeof ATTRIBUTES)[number], string>>;

const CALLBACKS = ["request_headers", "response_headers", "log"];
const script = CALLBACKS.map(
  (callback) =>
    `on ${callback}\n${ATTRIBUTES.map((name) => ` ${callback}:${name} = prop connection ${name}`).join("\n")}`,
).join("\n");

async function expectFacts(b: Behaviour, facts: Facts): Promise<void> {
  for (const callback of CALLBACKS) {
    const seen = await Promise.all(
      ATTRIBUTES.map(async (name) => [name, await b.logged(`${callback}:${name}`)] as const),
    );
    expect(Object.fromEntries(seen), callback).toEqual(facts);
  }
}

const SERVER = {
  subject_local_certificate: "0 CN=server,O=toolkit",
  dns_san_local_certificate: "0 server.example",
  uri_san_local_certificate: "0 spiffe://cluster.local/ns/shop/sa/server",
};
const NOBODY: Facts = {
  ...SERVER,
  mtls: "0 %00",
  peer_certificate_valid: "0 %00",
  requested_server_name: "0",
  tls_version: "0 TLSv1.3",
  subject_peer_certificate: "0",
  dns_san_peer_certificate: "1",
  uri_san_peer_certificate: "1",
  sha256_peer_certificate_digest: "1",
  peer_certificate: "1",
  termination_details: "1",
  transport_failure_reason: "1",
};
const CLIENT: Facts = {
  ...NOBODY,
  mtls: "0 %01",
  peer_certificate_valid: "0 %01",
  subject_peer_certificate: "0 CN=cart,OU=S\\C3\\A4les,O=Sue\\, Grabbit and Runn,C=US",
  dns_san_peer_certificate: "0 cart.example",
  uri_san_peer_certificate: `0 ${CLIENT_ID}`,
  sha256_peer_certificate_digest: `0 ${certificate.fingerprint256.replaceAll(":", "").toLowerCase()}`,
  peer_certificate: `0 ${percent(certificate.toString())}`,
};

conformance("TLS: what filters know of the peer", ({ behaviour }) => {
  behaviour(
    "a client with a certificate, in every callback of a request",
    { script, filterChain: mutualTls(pki) },
    async (b) => {
      // Without a TLS inspector the name a client asks for is not shown.
      const response = await tlsExchange(b.port, { identity: pki.client, servername: "server.example" });
      expect(response.status).toBe(200);
      await expectFacts(b, CLIENT);
    },
  );

  behaviour("TLS 1.2 tells the same", { script, filterChain: mutualTls(pki) }, async (b) => {
    await tlsExchange(b.port, { identity: pki.client, maxVersion: "TLSv1.2" });
    await expectFacts(b, { ...CLIENT, tls_version: "0 TLSv1.2" });
  });

  behaviour(
    "a client without one where none is asked for",
    { script, filterChain: downstreamTls(pki.server) },
    async (b) => {
      await tlsExchange(b.port, { identity: pki.client });
      await expectFacts(b, NOBODY);
    },
  );

  behaviour(
    "a client without one where one is asked for and not required",
    { script, filterChain: downstreamTls(pki.server, { validation_context: trustedCa(pki.ca) }) },
    async (b) => {
      await tlsExchange(b.port);
      await expectFacts(b, NOBODY);
    },
  );

  behaviour(
    "a certificate of anybody is shown, and not valid, where trust is not asked for",
    {
      script,
      filterChain: downstreamTls(pki.server, {
        validation_context: { ...trustedCa(pki.ca), trust_chain_verification: "ACCEPT_UNTRUSTED" },
      }),
    },
    async (b) => {
      await tlsExchange(b.port, { identity: pki.impostor });
      expect(await b.logged("log:mtls")).toBe("0 %01");
      expect(await b.logged("log:peer_certificate_valid")).toBe("0 %00");
      expect(await b.logged("log:uri_san_peer_certificate")).toBe(`0 ${CLIENT_ID}`);
    },
  );

  behaviour(
    "of two names the first one is shown; a certificate without a subject has an empty one",
    { script, filterChain: mutualTls(pki) },
    async (b) => {
      await tlsExchange(b.port, { identity: pki.twoNames });
      expect(await b.logged("log:uri_san_peer_certificate")).toBe("0 spiffe://cluster.local/first");
      expect(await b.logged("log:dns_san_peer_certificate")).toBe("1");
      expect(await b.logged("log:subject_peer_certificate")).toBe("0");
    },
  );

  behaviour(
    "a request over TLS has the scheme https, in x-forwarded-proto too",
    {
      script: "on request_headers\n scheme = prop request scheme\n proto = get 0 x-forwarded-proto",
      filterChain: downstreamTls(pki.server),
    },
    async (b) => {
      await tlsExchange(b.port);
      expect(await b.logged("scheme")).toBe("0 https");
      expect(await b.logged("proto")).toBe("0 https");
    },
  );
});
