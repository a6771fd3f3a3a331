import { SignatureKey, verifySignature } from "proxy-wasm-toolkit/sdk";
import { ecSignature } from "./der";
import { Token } from "./token";

/** A public key of a set. What a token's header says of the algorithm never makes a key into one of another kind. */
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
  ) {
    super(id, algorithm);
  }

  verifies(token: Token): bool {
    if (!token.algorithm.startsWith("RS")) return false;
    return verifySignature(hashOf(token), this.key, token.signature, token.signed).ok;
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

/** `RS256` -> `sha256`. */
function hashOf(token: Token): string {
  return `sha${token.algorithm.substring(2)}`;
}
