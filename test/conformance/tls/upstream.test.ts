import { X509Certificate } from "node:crypto";
import type { TlsOptions } from "node:tls";
import { expect, vi } from "vitest";
import { type Behaviour, conformance } from "../../support/conformance";
import { CLIENT_ID, testPki, tlsCertificate, trustedCa, upstreamTls } from "../../support/tls";

const pki = await testPki();
const SERVER: TlsOptions = { cert: pki.server.certificate, key: pki.server.key };
const ASKING: TlsOptions = { ...SERVER, requestCert: true, ca: pki.ca.certificate };

const ATTRIBUTES = [
  "server_name",
  "tls_version",
  "subject_local_certificate",
  "subject_peer_certificate",
  "dns_san_local_certificate",
  "dns_san_peer_certificate",
  "uri_san_local_certificate",
  "uri_san_peer_certificate",
  "sha256_peer_certificate_digest",
  "transport_failure_reason",
];
const CALLBACKS = ["response_headers", "log"];
const script = `${CALLBACKS.map(
  (callback) =>
    `on ${callback}\n${ATTRIBUTES.map((name) => ` ${callback}:${name} = prop upstream ${name}`).join("\n")}`,
).join("\n")}\n details = prop response code_details`;

async function expectFacts(b: Behaviour, facts: Readonly<Record<string, string>>): Promise<void> {
  for (const callback of CALLBACKS) {
    const seen = await Promise.all(
      ATTRIBUTES.map(async (name) => [name, await b.logged(`${callback}:${name}`)] as const),
    );
    expect(Object.fromEntries(seen), callback).toEqual(facts);
  }
}

const digest = new X509Certificate(pki.server.certificate).fingerprint256.replaceAll(":", "").toLowerCase();
const SERVER_FACTS = {
  server_name: "1",
  tls_version: "0 TLSv1.2",
  subject_local_certificate: "0",
  subject_peer_certificate: "0 CN=server,O=toolkit",
  dns_san_local_certificate: "1",
  dns_san_peer_certificate: "0 server.example",
  uri_san_local_certificate: "1",
  uri_san_peer_certificate: "0 spiffe://cluster.local/ns/shop/sa/server",
  sha256_peer_certificate_digest: `0 ${digest}`,
  transport_failure_reason: "0",
};
const NOTHING = Object.fromEntries(ATTRIBUTES.map((name) => [name, "1"]));

const COUNTERS = ["connection_error", "fail_verify_error", "fail_verify_san", "handshake", "session_reused"];

async function expectCounts(b: Behaviour, counts: Record<string, number>): Promise<void> {
  const read = async () => {
    const values = await Promise.all(
      COUNTERS.map(async (name) => [name, await b.proxy.stat(`cluster.${b.id}.ssl.${name}`)] as const),
    );
    return Object.fromEntries(values.filter(([, value]) => value !== 0));
  };
  await vi.waitFor(async () => expect(await read()).toEqual(counts), 5000);
}

const REFUSED =
  "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";

conformance("TLS: upstream", ({ behaviour }) => {
  behaviour(
    "whoever answers is believed, unless the file says otherwise: TLS 1.2, no name, no certificate",
    { script, upstreamTls: ASKING, cluster: upstreamTls() },
    async (b) => {
      expect((await b.exchange()).text).toBe("ok");
      await expectFacts(b, SERVER_FACTS);
      expect(b.front.greetings).toEqual([
        { servername: false, alpn: false, version: "TLSv1.2", resumed: false, names: undefined },
      ]);
      await expectCounts(b, { handshake: 1 });
    },
  );

  behaviour(
    "mTLS: both sides show who they are",
    {
      script,
      upstreamTls: { ...ASKING, rejectUnauthorized: true },
      cluster: upstreamTls(
        {
          tls_certificates: [tlsCertificate(pki.client)],
          validation_context: {
            ...trustedCa(pki.ca),
            match_typed_subject_alt_names: [{ san_type: "URI", matcher: { suffix: "/sa/server" } }],
          },
          tls_params: { tls_maximum_protocol_version: "TLSv1_3" },
        },
        { sni: "any.example" },
      ),
    },
    async (b) => {
      expect((await b.exchange()).text).toBe("ok");
      await expectFacts(b, {
        ...SERVER_FACTS,
        server_name: "0 any.example",
        tls_version: "0 TLSv1.3",
        subject_local_certificate: "0 CN=cart,OU=S\\C3\\A4les,O=Sue\\, Grabbit and Runn,C=US",
        dns_san_local_certificate: "0 cart.example",
        uri_san_local_certificate: `0 ${CLIENT_ID}`,
      });
      expect(b.front.greetings).toMatchObject([
        { servername: "any.example", version: "TLSv1.3", names: expect.stringContaining(CLIENT_ID) },
      ]);
    },
  );

  const failed = (reason: string) => ({
    ...NOTHING,
    transport_failure_reason: `0 TLS_error:%7C${reason}:TLS_error_end`,
  });
  const WRONG = "268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: ";

  behaviour(
    "a host of another authority is not spoken to",
    { script, upstreamTls: SERVER, cluster: upstreamTls({ validation_context: trustedCa(pki.otherCa) }) },
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([503, REFUSED]);
      const reason = `${WRONG}X509_verify_cert: certificate verification error at depth 0: unable to get local issuer certificate`;
      await expectFacts(b, failed(reason));
      const words = reason.replaceAll(" ", "_");
      expect(await b.logged("details")).toBe(
        `0 upstream_reset_before_response_started{remote_connection_failure%7CTLS_error:%7C${words}:TLS_error_end}`,
      );
      expect(b.upstream.requests).toEqual([]);
      await expectCounts(b, { fail_verify_error: 1 });
      expect(await b.proxy.stat(`cluster.${b.id}.upstream_cx_connect_fail`)).toBe(1);
    },
  );

  behaviour(
    "nor is one whose certificate has expired",
    {
      script,
      upstreamTls: { cert: pki.expired.certificate, key: pki.expired.key },
      cluster: upstreamTls({ validation_context: trustedCa(pki.ca) }),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(503);
      await expectFacts(
        b,
        failed(
          `${WRONG}X509_verify_cert: certificate verification error at depth 0: certificate has expired`,
        ),
      );
      await expectCounts(b, { fail_verify_error: 1 });
    },
  );

  behaviour(
    "nor one with another name",
    {
      script,
      upstreamTls: { cert: pki.stranger.certificate, key: pki.stranger.key },
      cluster: upstreamTls({
        validation_context: {
          ...trustedCa(pki.ca),
          match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: CLIENT_ID } }],
        },
      }),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(503);
      await expectFacts(
        b,
        failed(`${WRONG}SAN matcher, certificate SANs are [spiffe://cluster.local/ns/else/sa/stranger]`),
      );
      await expectCounts(b, { fail_verify_san: 1 });
    },
  );

  behaviour(
    "auto_sni_san_validation: the certificate must be for the name asked for, whatever the list says",
    {
      upstreamTls: SERVER,
      cluster: upstreamTls(
        {
          validation_context: {
            ...trustedCa(pki.ca),
            match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: "spiffe://nobody" } }],
          },
        },
        { sni: "server.example", auto_sni_san_validation: true },
      ),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(b.front.greetings).toMatchObject([{ servername: "server.example" }]);
    },
  );

  behaviour(
    "and is refused for another",
    {
      upstreamTls: SERVER,
      cluster: upstreamTls(
        { validation_context: trustedCa(pki.ca) },
        { sni: "other.example", auto_sni_san_validation: true },
      ),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(503);
      await expectCounts(b, { fail_verify_san: 1 });
    },
  );

  behaviour(
    "auto_host_sni: the host's own name is asked for",
    {
      upstreamTls: SERVER,
      cluster: (port) => ({
        ...upstreamTls({}, { sni: "configured.example", auto_host_sni: true }),
        load_assignment: {
          cluster_name: "x",
          endpoints: [
            {
              lb_endpoints: [
                {
                  endpoint: {
                    hostname: "host.example",
                    address: { socket_address: { address: "127.0.0.1", port_value: port } },
                  },
                },
              ],
            },
          ],
        },
      }),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(b.front.greetings).toMatchObject([{ servername: "host.example" }]);
    },
  );

  behaviour(
    "a host that wants a certificate and gets none",
    { script, upstreamTls: { ...ASKING, rejectUnauthorized: true }, cluster: upstreamTls() },
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([503, REFUSED]);
      await expectFacts(b, failed("268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE"));
      await expectCounts(b, { connection_error: 1 });
    },
  );

  behaviour(
    "a host that speaks no TLS",
    {
      script: "on log\n reason = prop upstream transport_failure_reason",
      cluster: upstreamTls(),
      upstream: () => {},
    },
    async (b) => {
      b.upstream.server.removeAllListeners("connection");
      b.upstream.server.on("connection", (socket) => {
        socket.on("error", () => {});
        socket.resume();
        socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      });
      expect((await b.exchange()).status).toBe(503);
      expect(await b.logged("reason")).toBe(
        "0 TLS_error:%7C268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
      );
      await expectCounts(b, { connection_error: 1 });
    },
  );

  behaviour(
    "ALPN: what is configured",
    {
      upstreamTls: { ...SERVER, ALPNProtocols: ["x", "y"] },
      cluster: upstreamTls({ alpn_protocols: ["y", "x"] }),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(b.front.greetings).toMatchObject([{ alpn: "x" }]);
    },
  );

  behaviour(
    "ALPN: what the cluster speaks",
    {
      upstreamTls: { ...SERVER, ALPNProtocols: ["h2", "http/1.1"] },
      cluster: upstreamTls(),
      http2: (request) => {
        request.stream.respond({ ":status": 200 });
        request.stream.end("two");
      },
      routes: (id) => [
        { match: { prefix: "/two" }, route: { cluster: `${id}-h2` } },
        { match: { prefix: "/" }, route: { cluster: id } },
      ],
    },
    async (b) => {
      expect((await b.exchange()).text).toBe("ok");
      expect((await b.exchange({ path: "/two" })).text).toBe("two");
      expect((await b.exchange({ path: "/two" })).text).toBe("two");
      expect(b.front.greetings).toMatchObject([{ alpn: "http/1.1" }]);
      expect(b.http2Front.greetings).toMatchObject([{ alpn: "h2" }]);
    },
  );

  behaviour(
    "HTTP/2 to a host that is not believed",
    {
      upstreamTls: { ...SERVER, ALPNProtocols: ["h2"] },
      cluster: upstreamTls({ validation_context: trustedCa(pki.otherCa) }),
      http2: () => {},
      routes: (id) => [{ match: { prefix: "/" }, route: { cluster: `${id}-h2` } }],
      script,
    },
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([503, REFUSED]);
      expect(await b.logged("log:transport_failure_reason")).toContain("CERTIFICATE_VERIFY_FAILED");
      expect(b.http2.requests).toEqual([]);
    },
  );

  behaviour(
    "sessions are resumed, and their host is checked again",
    {
      script,
      upstreamTls: SERVER,
      cluster: upstreamTls({ validation_context: trustedCa(pki.ca) }),
      upstream: async (request, reply) => {
        await request.message;
        reply.send({ headers: [["connection", "close"]], body: "ok" });
      },
    },
    async (b) => {
      for (let i = 0; i < 3; i++) expect((await b.exchange()).status).toBe(200);
      await expectCounts(b, { handshake: 3, session_reused: 2 });
      expect(await b.allLogged("log:uri_san_peer_certificate")).toEqual(
        Array(3).fill("0 spiffe://cluster.local/ns/shop/sa/server"),
      );
    },
  );

  behaviour(
    "or not, when no session is kept",
    {
      upstreamTls: SERVER,
      cluster: upstreamTls({}, { max_session_keys: 0 }),
      upstream: (_, reply) => reply.send({ headers: [["connection", "close"]], body: "ok" }),
    },
    async (b) => {
      for (let i = 0; i < 2; i++) expect((await b.exchange()).status).toBe(200);
      await expectCounts(b, { handshake: 2 });
    },
  );

  behaviour(
    "large bodies pass both ways",
    {
      upstreamTls: SERVER,
      cluster: upstreamTls(),
      upstream: async (request, reply) => reply.send({ body: (await request.message).body }),
    },
    async (b) => {
      const body = Buffer.alloc(3_000_000, "abcdefghij");
      const response = await b.exchange({ method: "POST", body });
      expect(response.body.equals(body)).toBe(true);
    },
  );

  behaviour(
    "a filter's own call goes over TLS, too",
    {
      script:
        "on request_headers\n c = call {id} 1000 '' :method GET :path /call :authority a\n return 1\non http_call_response\n body = buffer 4 0 100\n effective $stream\n continue 0",
      upstreamTls: SERVER,
      cluster: upstreamTls({ validation_context: trustedCa(pki.ca) }),
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("body")).toBe("0 ok");
      expect(b.upstream.requests[0]!.path).toBe("/call");
    },
  );
});
