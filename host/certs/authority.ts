// The library wires itself with decorators: their polyfill comes first.
import "reflect-metadata";
import { randomBytes, subtle, type webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralNames,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** P-256: the one curve that every Envoy takes. */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;
/** Certificates are valid a little while before they are made: clocks differ. */
const SKEW_MS = 300_000;

/** A certificate with its private key, both PEM (the key PKCS#8). */
export interface Issued {
  certificate: string;
  key: string;
}

/** What stands in a leaf certificate. */
export interface LeafOptions {
  /** Distinguished name, first part first: `[{ C: ["US"] }, { CN: ["app"] }]`; none by default, as in SPIFFE. */
  subject?: JsonName;
  /** Subject alternative names, each kind in the order given. */
  uris?: readonly string[];
  dns?: readonly string[];
  ips?: readonly string[];
  emails?: readonly string[];
  /** What the key may be used for; both by default. */
  usage?: readonly ("server" | "client")[];
  /** How long it is valid from now on; a year by default. A negative number makes one that has expired. */
  days?: number;
}

/** A certificate authority for tests: its key lies beside its certificate, and nobody else knows it. */
export class CertificateAuthority implements Issued {
  private constructor(
    readonly certificate: string,
    readonly key: string,
    private readonly parsed: X509Certificate,
    private readonly signingKey: webcrypto.CryptoKey,
  ) {}

  /** Makes a new one, valid for ten years. */
  static async create(name = "proxy-wasm test CA", days = 3650): Promise<CertificateAuthority> {
    const keys = await newKeys();
    const parsed = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: [{ CN: [name] }],
      ...validity(days),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new CertificateAuthority(pem(parsed), await keyPem(keys.privateKey), parsed, keys.privateKey);
  }

  /** Reads one that was made before. Throws when the PEM texts are none, or no key of this curve. */
  static async read({ certificate, key }: Issued): Promise<CertificateAuthority> {
    const der = PemConverter.decodeFirst(key);
    const signingKey = await subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
    return new CertificateAuthority(certificate, key, new X509Certificate(certificate), signingKey);
  }

  /**
   * Signs a new leaf with a new key.
   *
   * @example
   * const ca = await CertificateAuthority.create();
   * const app = await ca.issue({ uris: ["spiffe://cluster.local/ns/shop/sa/app"] });
   */
  async issue(options: LeafOptions = {}): Promise<Issued> {
    const { subject = [], usage = ["server", "client"], days = 365 } = options;
    const keys = await newKeys();
    const names = alternativeNames(options);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serial(),
      subject,
      issuer: this.parsed.subjectName,
      ...validity(days),
      publicKey: keys.publicKey,
      signingKey: this.signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension(
          usage.map((one) => (one === "server" ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth)),
        ),
        await AuthorityKeyIdentifierExtension.create(this.parsed.publicKey),
        // Without a subject the names are all there is: then they are critical (RFC 5280, 4.2.1.6).
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names, subject.length === 0)] : []),
      ],
    });
    return { certificate: pem(certificate), key: await keyPem(keys.privateKey) };
  }
}

function alternativeNames({ uris = [], dns = [], ips = [], emails = [] }: LeafOptions): JsonGeneralNames {
  const kinds = { url: uris, dns, ip: ips, email: emails };
  return Object.entries(kinds).flatMap(([type, values]) =>
    values.map((value) => ({ type: type as keyof typeof kinds, value })),
  );
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<webcrypto.CryptoKeyPair>;
}

/** Positive, and long enough that no two are alike. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const notAfter = Date.now() + days * DAY_MS;
  const notBefore = Math.min(Date.now(), notAfter - DAY_MS) - SKEW_MS;
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
}

const pem = (certificate: X509Certificate): string => `${certificate.toString("pem")}\n`;

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}
