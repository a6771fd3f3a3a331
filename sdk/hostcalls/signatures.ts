import { Status } from "../abi/status";
import { Bytes } from "../memory/bytes";
import { MessageReader, MessageWriter } from "../memory/message";
import { decodeBase64 } from "../text/base64";
import { callForeignFunction, foreignStatus } from "./foreign";

/** A public or private key. */
export class SignatureKey {
  private constructor(
    readonly isPem: bool,
    readonly bytes: Bytes,
  ) {}

  /**
   * `-----BEGIN PUBLIC KEY-----` ... (SubjectPublicKeyInfo) or `-----BEGIN PRIVATE KEY-----` ... (PKCS #8). What the armour
   * holds is sent, which proxies older than Envoy 1.40 take too; any other text goes as it is, for the proxy to judge.
   */
  static pem(text: string): SignatureKey {
    const lines = text.trim().split("\n");
    const last = lines.length - 1;
    const label = lines[0].trimEnd();
    if (last > 1 && (label == "-----BEGIN PUBLIC KEY-----" || label == "-----BEGIN PRIVATE KEY-----")) {
      let body = "";
      for (let i = 1; i < last; i++) body += lines[i].trimEnd();
      const der = decodeBase64(body);
      if (der != null) return SignatureKey.der(der);
    }
    return new SignatureKey(true, Bytes.of(text));
  }

  /** The same without the armour. */
  static der(bytes: Bytes): SignatureKey {
    return new SignatureKey(false, bytes);
  }
}

/** What the proxy says about a signature, or the one it made. */
export class SignatureResult {
  constructor(
    /** Whether the signature is good, or was made. */
    readonly ok: bool,
    /** Why not. */
    readonly error: string,
    /** The signature made by `sign`; empty otherwise. */
    readonly signature: Bytes,
  ) {}
}

/**
 * Checks a signature (RSA with PKCS #1 v1.5 padding, or ECDSA in DER form) with the proxy's own cryptography.
 * @param hash `sha1`, `sha224`, `sha256`, `sha384` or `sha512`
 * @param text what was signed
 * @example const good = verifySignature("sha256", SignatureKey.pem(key), signature, Bytes.of(head + "." + body)).ok;
 */
export function verifySignature(
  hash: string,
  key: SignatureKey,
  signature: Bytes,
  text: Bytes,
): SignatureResult {
  const request = new MessageWriter()
    .text(1, hash)
    .bytes(key.isPem ? 5 : 2, key.bytes)
    .bytes(3, signature)
    .bytes(4, text);
  return result(callForeignFunction("verify_signature", request.finish()), 0, 2);
}

/** Signs a text; `hash` and the kinds of key are those of `verifySignature`. */
export function sign(hash: string, key: SignatureKey, text: Bytes): SignatureResult {
  const request = new MessageWriter()
    .text(1, hash)
    .bytes(key.isPem ? 4 : 2, key.bytes)
    .bytes(3, text);
  return result(callForeignFunction("sign", request.finish()), 2, 3);
}

/** Reads `1: ok` and the fields of that number. */
function result(reply: Bytes | null, signatureField: u32, errorField: u32): SignatureResult {
  let ok = false;
  let error = "";
  let signature = Bytes.of("");
  if (reply == null) {
    const missing = foreignStatus() == Status.NotFound;
    return new SignatureResult(
      false,
      missing ? "the proxy has no such function" : `the proxy refused the call: ${foreignStatus()}`,
      signature,
    );
  }
  const reader = new MessageReader(reply);
  while (reader.next()) {
    if (reader.field == 1) ok = reader.bool;
    else if (reader.field == errorField) error = reader.text;
    else if (reader.field == signatureField) signature = reader.bytes;
  }
  return new SignatureResult(ok && !reader.failed, error, signature);
}
