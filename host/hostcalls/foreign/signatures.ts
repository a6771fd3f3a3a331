import { createSign, createVerify, type KeyObject } from "node:crypto";
import { Status } from "../../../sdk/abi/status";
import type { ForeignFunction } from "./call";
import { exactlyOne, privateKey, publicKey } from "./keys";
import {
  parse,
  SignArguments,
  SignResult,
  serialize,
  VerifySignatureArguments,
  VerifySignatureResult,
} from "./messages";

/** Digests Envoy knows, by lower-case name. */
const HASHES: ReadonlySet<string> = new Set(["sha1", "sha224", "sha256", "sha384", "sha512"]);

/** Keys that sign a digest: RSA (PKCS #1 v1.5) and ECDSA. */
const signsDigests = (key: KeyObject) => key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "ec";

interface VerifyingArguments {
  hashFunction: string;
  publicKey: Uint8Array;
  signature: Uint8Array;
  text: Uint8Array;
  publicKeyPem: string;
}

interface SigningArguments {
  hashFunction: string;
  privateKey: Uint8Array;
  text: Uint8Array;
  privateKeyPem: string;
}

/** Failures are results with Envoy's words; only a broken argument is a status. */
export const signatures: Readonly<Record<"verify_signature" | "sign", ForeignFunction>> = {
  verify_signature({ argument }) {
    const args = parse<VerifyingArguments>(VerifySignatureArguments, argument);
    const given = args && { der: args.publicKey, pem: args.publicKeyPem };
    if (!given || !exactlyOne(given)) return Status.BadArgument;
    const error = verifyError(args, publicKey(given));
    return serialize(VerifySignatureResult, { result: error === undefined, error });
  },

  sign({ argument }) {
    const args = parse<SigningArguments>(SignArguments, argument);
    const given = args && { der: args.privateKey, pem: args.privateKeyPem };
    if (!given || !exactlyOne(given)) return Status.BadArgument;
    const made = makeSignature(args, privateKey(given));
    return serialize(
      SignResult,
      typeof made === "string" ? { error: made } : { result: true, signature: made },
    );
  },
};

function verifyError(args: VerifyingArguments, key: KeyObject | undefined): string | undefined {
  const hash = args.hashFunction.toLowerCase();
  if (!HASHES.has(hash)) return `${args.hashFunction} is not supported.`;
  if (!key || !signsDigests(key)) return "Failed to initialize digest verify.";
  try {
    if (createVerify(hash).update(args.text).verify(key, args.signature)) return undefined;
  } catch {
    // The signature cannot even be read.
  }
  return "Failed to verify digest. Error code: 0";
}

/** The signature, or the words that say why there is none. */
function makeSignature(args: SigningArguments, key: KeyObject | undefined): Buffer | string {
  const hash = args.hashFunction.toLowerCase();
  if (!HASHES.has(hash)) return `${args.hashFunction} is not supported.`;
  if (!key) return "Invalid key type: private key required for signing operation.";
  if (!signsDigests(key)) return "Invalid private key: key data is corrupted or malformed.";
  try {
    return createSign(hash).update(args.text).sign(key);
  } catch {
    // The key is too short for the digest.
    return "Failed to create signature.";
  }
}
