import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** A key as a guest hands it over: exactly one of the two forms. */
export interface GivenKey {
  readonly der: Uint8Array;
  readonly pem: string;
}

export const exactlyOne = ({ der, pem }: GivenKey): boolean => der.length > 0 !== pem.length > 0;

/** The key formats of OpenSSL's PEM labels that BoringSSL reads. */
const PRIVATE_LABELS = {
  "PRIVATE KEY": "pkcs8",
  "RSA PRIVATE KEY": "pkcs1",
  "EC PRIVATE KEY": "sec1",
} as const;

/** The curves BoringSSL has; Node's OpenSSL has many more. */
const CURVES: ReadonlySet<string | undefined> = new Set([
  "secp224r1",
  "prime256v1",
  "secp384r1",
  "secp521r1",
]);

/** SubjectPublicKeyInfo; undefined for what Envoy does not read as a key. */
export function publicKey({ der, pem }: GivenKey): KeyObject | undefined {
  const bytes = der.length > 0 ? der : pemBlock(pem, ["PUBLIC KEY"])?.bytes;
  return bytes && read(() => createPublicKey({ key: Buffer.from(bytes), format: "der", type: "spki" }));
}

/** PKCS #8, in PEM also PKCS #1 and SEC 1, not encrypted. */
export function privateKey({ der, pem }: GivenKey): KeyObject | undefined {
  if (der.length > 0)
    return read(() => createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" }));
  const block = pemBlock(pem, Object.keys(PRIVATE_LABELS));
  if (!block) return undefined;
  const type = PRIVATE_LABELS[block.label as keyof typeof PRIVATE_LABELS];
  return read(() => createPrivateKey({ key: block.bytes, format: "der", type }));
}

function read(parse: () => KeyObject): KeyObject | undefined {
  let key: KeyObject;
  try {
    key = parse();
  } catch {
    return undefined;
  }
  if (key.asymmetricKeyType === "ec" && !CURVES.has(key.asymmetricKeyDetails?.namedCurve)) return undefined;
  return key.asymmetricKeyType === "rsa-pss" ? undefined : key;
}

/** The first block with one of these labels. A block with headers is an encrypted one: nobody knows its password. */
function pemBlock(pem: string, labels: readonly string[]): { label: string; bytes: Buffer } | undefined {
  for (const [, label, body] of pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)) {
    if (!labels.includes(label!)) continue;
    return /^[A-Za-z0-9+/=\s]*$/.test(body!)
      ? { label: label!, bytes: Buffer.from(body!, "base64") }
      : undefined;
  }
  return undefined;
}
