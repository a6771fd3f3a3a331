import { Bytes, SignatureKey, verifySignature } from "proxy-wasm-toolkit/sdk";
import { ecSignature } from "./der";
import { Modulus } from "./modulus";
import { verifyPss } from "./rsa-pss";
import { hmac, sameBytes } from "./sha2";
import { Token } from "./token";

/** A key of a set. What a token's header says of the algorithm never makes a key into one of another kind. */
export abstract class Key {
  constructor(
    /** "" = the key has none, and is tried on every token. */
    readonly id: string,
    /** "" = any that suits the kind of key. */
    readonly algorithm: string,
  ) {}

  /** May this key be meant? */
  suits(token: Token): bool {
    if (token.keyId != "" && this.id != "" && token.keyId != this.id) return false;
    return this.algorithm == "" || this.algorithm == token.algorithm;
  }

  abstract verifies(token: Token): bool;
}

export class RsaKey extends Key {
  constructor(
    id: string,
    algorithm: string,
    private readonly key: SignatureKey,
    private readonly modulus: Modulus,
  ) {
    super(id, algorithm);
  }

  verifies(token: Token): bool {
    if (token.algorithm.startsWith("RS")) {
      return verifySignature(hashOf(token), this.key, token.signature, token.signed).ok;
    }
    return (
      token.algorithm.startsWith("PS") &&
      verifyPss(bitsOf(token), this.modulus, token.signature, token.signed)
    );
  }
}

export class EcKey extends Key {
  constructor(
    id: string,
    algorithm: string,
    private readonly key: SignatureKey,
  ) {
    super(id, algorithm);
  }

  verifies(token: Token): bool {
    if (!token.algorithm.startsWith("ES")) return false;
    return verifySignature(hashOf(token), this.key, ecSignature(token.signature), token.signed).ok;
  }
}

/** A secret that issuer and proxy share. */
export class SecretKey extends Key {
  constructor(
    id: string,
    algorithm: string,
    private readonly secret: Bytes,
  ) {
    super(id, algorithm);
  }

  verifies(token: Token): bool {
    if (!token.algorithm.startsWith("HS")) return false;
    return sameBytes(hmac(bitsOf(token), this.secret, token.signed), token.signature);
  }
}

/** `RS256` -> `sha256`. */
function hashOf(token: Token): string {
  return `sha${token.algorithm.substring(2)}`;
}

function bitsOf(token: Token): i32 {
  return token.algorithm.endsWith("256") ? 256 : token.algorithm.endsWith("384") ? 384 : 512;
}
