import { constants, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type {
  CertificateValidation,
  DataSource,
  DownstreamTlsConfig,
  TlsCertificateConfig,
  TlsParameters,
  UpstreamTlsConfig,
} from "../../config/model";
import { ConfigError } from "../../errors";
import { NamedCertificate } from "./tls-facts";

/** Both libraries have them all on, and no way to choose among them through Envoy's configuration. */
const TLS13_SUITES = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];

/** Envoy's: two hours. */
const SESSION_TIMEOUT = 7200;

/** What node:tls needs to be a server as configured. Throws ConfigError with the place that names what is wrong. */
export function serverContext(config: DownstreamTlsConfig): SecureContext {
  const { validation } = config;
  return build(config.certificate.chain, {
    ...identity(config.certificate),
    ...parameters(config.parameters),
    ...trust(validation),
    honorCipherOrder: !config.preferClientCiphers,
    sessionTimeout: config.sessionTimeout ?? SESSION_TIMEOUT,
    // Sessions of clients that were asked for certificates are only resumed within a context of their own.
    sessionIdContext: "proxy-wasm",
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | (config.sessionTickets ? 0 : constants.SSL_OP_NO_TICKET),
  });
}

/** What node:tls needs to be a client as configured. Throws ConfigError as well. */
export function clientContext({
  certificate,
  parameters: chosen,
  validation,
}: UpstreamTlsConfig): SecureContext {
  const options: SecureContextOptions = {
    ...(certificate && identity(certificate)),
    ...parameters(chosen),
    ...trust(validation),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  const source = certificate?.chain ?? validation?.trustedCa;
  return source ? build(source, options) : createSecureContext(options);
}

function build(source: DataSource, options: SecureContextOptions): SecureContext {
  return guard(source, "not to be used", () => createSecureContext(options));
}

function parameters({ minVersion, maxVersion, cipherSuites, curves }: TlsParameters): SecureContextOptions {
  return {
    minVersion,
    maxVersion,
    ciphers: [...TLS13_SUITES, ...cipherSuites].join(":"),
    ...(curves.length > 0 && { ecdhCurve: curves.join(":") }),
  };
}

function identity({ chain, key, password }: TlsCertificateConfig): SecureContextOptions {
  const cert = readData(chain);
  const leaf = guard(chain, "no certificate", () => new X509Certificate(cert));
  const passphrase = password && readData(password).toString();
  const privateKey = guard(key, "no private key", () =>
    createPrivateKey({ key: readData(key), ...(passphrase !== undefined && { passphrase }) }),
  );
  checkKey(leaf.publicKey, chain);
  if (!leaf.checkPrivateKey(privateKey)) fail(key, "does not belong to the certificate");
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }) };
}

const NIST_CURVES: readonly (string | undefined)[] = ["prime256v1", "secp384r1", "secp521r1"];

/** The kinds of keys that Envoy takes. */
function checkKey(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
  at: DataSource,
): void {
  if (type === "rsa" && (details?.modulusLength ?? 0) >= 2048) return;
  if (type === "ec" && NIST_CURVES.includes(details?.namedCurve)) return;
  fail(at, "needs an RSA key of 2048 bits or more, or one on P-256, P-384 or P-521");
}

function trust(validation: CertificateValidation | undefined): SecureContextOptions {
  const { trustedCa, crl } = validation ?? {};
  return {
    // Without an authority nobody is trusted, rather than those that Node trusts by itself.
    ca: trustedCa ? authorities(trustedCa) : [],
    allowPartialTrustChain: true,
    ...(crl && { crl: readData(crl) }),
  };
}

function authorities(source: DataSource): Buffer {
  const pem = readData(source);
  guard(source, "no certificate", () => new X509Certificate(pem));
  return pem;
}

/** The bytes behind a data source. Throws ConfigError. */
function readData(source: DataSource): Buffer {
  return source.kind === "inline"
    ? source.bytes
    : guard(source, "cannot be read", () => readFileSync(source.path));
}

/** The certificate that a peer is shown. Throws ConfigError. */
export function readCertificate(chain: DataSource): NamedCertificate {
  return guard(chain, "no certificate", () => new NamedCertificate(new X509Certificate(readData(chain))));
}

function guard<T>(source: DataSource, what: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return fail(source, `${what}: ${(error as Error).message}`);
  }
}

function fail({ position, positionPath: path }: DataSource, message: string): never {
  throw new ConfigError([{ position, path, message }]);
}
