import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { parseBootstrap } from "../../../../host/config/index";
import { ConfigError } from "../../../../host/errors";
import { serverContext } from "../../../../host/proxy/tls/secure-context";
import { bootstrap, httpListener, type Json } from "../../../support/bootstrap";
import { downstreamTls, testPki, trustedCa } from "../../../support/tls";

const pki = await testPki();
const AT = "static_resources.listeners[0].filter_chains[0].transport_socket.typed_config.common_tls_context";

/** What is wrong with a listener's TLS, as `path: message`, in the file or in what the file names. */
function faults(chain: Json): string {
  const file = bootstrap({
    listeners: [httpListener({ name: "l", routes: [], filterChain: chain })],
    clusters: [],
  });
  try {
    const { tls } = parseBootstrap(JSON.stringify(file, null, 1), "f").bootstrap.listeners[0]!;
    serverContext(tls!);
    return "";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.issues[0]!.position.line).toBeGreaterThan(1);
    return error.issues.map(({ path, message }) => `${path}: ${message}`).join("\n");
  }
}

const { privateKey: small } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const otherKey = small.export({ type: "pkcs8", format: "pem" }).toString();

test.each<[string, Json, RegExp]>([
  [
    "a key of another certificate",
    downstreamTls({ ...pki.server, key: otherKey }),
    /private_key\.inline_string: does not belong/,
  ],
  [
    "no certificate",
    downstreamTls({ ...pki.server, certificate: "x" }),
    /certificate_chain\.inline_string: no certificate/,
  ],
  ["no key", downstreamTls({ ...pki.server, key: "x" }), /private_key\.inline_string: no private key/],
  [
    "no authority",
    downstreamTls(pki.server, { validation_context: trustedCa({ certificate: "x" }) }),
    /trusted_ca\.inline_string: no certificate/,
  ],
  [
    "a file that is not there",
    downstreamTls(pki.server, { validation_context: { trusted_ca: { filename: "/nowhere.pem" } } }),
    /trusted_ca\.filename: cannot be read: ENOENT/,
  ],
  [
    "no certificate at all",
    downstreamTls(pki.server, { tls_certificates: [] }),
    /tls_certificates: .*exactly one/,
  ],
  [
    "names without an authority",
    downstreamTls(pki.server, {
      validation_context: { match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: "a" } }] },
    }),
    /match_typed_subject_alt_names: names mean nothing without a trusted_ca/,
  ],
  [
    "an unknown suite",
    downstreamTls(pki.server, { tls_params: { cipher_suites: ["RC4"] } }),
    /cipher_suites\[0\]: not a cipher suite.*RC4/,
  ],
  [
    "an old version",
    downstreamTls(pki.server, { tls_params: { tls_minimum_protocol_version: "TLSv1_0" } }),
    /TLSv1_0 is not supported/,
  ],
  [
    "a field there is not",
    downstreamTls(pki.server, {}, { require_sni: true }),
    /require_sni: not supported by the node engine/,
  ],
  [
    "secrets from a server",
    downstreamTls(pki.server, { tls_certificate_sds_secret_configs: [{ name: "s" }] }),
    /tls_certificate_sds_secret_configs: not supported/,
  ],
])("%s is said with its place", (_, chain, message) => {
  const text = faults(chain);
  expect(text).toMatch(message);
  expect(text.startsWith(AT.slice(0, AT.lastIndexOf(".")))).toBe(true);
  expect(text).not.toContain("PRIVATE KEY");
});
