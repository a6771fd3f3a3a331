import {
  createHmac,
  createSign,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  constants as rsa,
} from "node:crypto";

/** A key pair (or a secret) of an issuer, and how it shows in a key set. */
export interface SigningKey {
  private: KeyObject | Buffer;
  public: JsonWebKey;
}

const PAIRS: Record<string, () => { privateKey: KeyObject; publicKey: KeyObject }> = {
  RSA: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  "RSA-3": () => generateKeyPairSync("rsa", { modulusLength: 2049, publicExponent: 3 }),
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "P-521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
};

/** `kind`: `RSA` or the name of a curve. */
export function newKey(kind: string, more: JsonWebKey = {}): SigningKey {
  const { privateKey, publicKey } = PAIRS[kind]!();
  return { private: privateKey, public: { ...publicKey.export({ format: "jwk" }), ...more } };
}

export function secretKey(secret: Buffer, more: JsonWebKey = {}): SigningKey {
  return { private: secret, public: { kty: "oct", k: secret.toString("base64url"), ...more } };
}

export function jwks(...keys: (SigningKey | JsonWebKey)[]): string {
  return JSON.stringify({ keys: keys.map((key) => ("public" in key ? key.public : key)) });
}

/** JSON of an object, or any text, as a section of a token. */
export function section(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return Buffer.from(text).toString("base64url");
}

/** A token of these claims, signed as its header says. */
export function token(key: SigningKey, claims: unknown, header: Record<string, unknown> = {}): string {
  const head = { alg: "RS256", typ: "JWT", ...header };
  return signed(key, String(head.alg), `${section(head)}.${section(claims)}`);
}

/** Appends a signature to a text. */
export function signed(key: SigningKey, algorithm: string, text: string, salt?: number): string {
  return `${text}.${signature(key, algorithm, text, salt).toString("base64url")}`;
}

function signature(
  key: SigningKey,
  algorithm: string,
  text: string,
  saltLength: number = rsa.RSA_PSS_SALTLEN_DIGEST,
): Buffer {
  const hash = `sha${algorithm.slice(2)}`;
  if (Buffer.isBuffer(key.private)) return createHmac(hash, key.private).update(text).digest();
  const sign = createSign(hash).update(text);
  if (algorithm.startsWith("ES")) return sign.sign({ key: key.private, dsaEncoding: "ieee-p1363" });
  if (!algorithm.startsWith("PS")) return sign.sign(key.private);
  return sign.sign({ key: key.private, padding: rsa.RSA_PKCS1_PSS_PADDING, saltLength });
}

/** An ECDSA signature of two halves below 128 bytes as DER, as JWS does not have it. */
export function derOf(halves: Buffer): Buffer {
  const parts = [halves.subarray(0, halves.length / 2), halves.subarray(halves.length / 2)].map((half) => {
    const positive = half[0]! > 127 ? Buffer.concat([Buffer.alloc(1), half]) : half;
    return Buffer.concat([Buffer.from([2, positive.length]), positive]);
  });
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}
