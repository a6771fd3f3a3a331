import { Bytes, SignatureKey } from "proxy-wasm-toolkit/sdk";
import { decodeBase64UrlLenient } from "proxy-wasm-toolkit/sdk/text/base64";
import { JsonValue, parseJson } from "proxy-wasm-toolkit/sdk/text/json";
import { Curve, ecPublicKey, P256, P384, P521, rsaPublicKey, trimmed } from "./der";
import { NO_MATCHING_KEY, WRONG_SIGNATURE } from "./failure";
import { EcKey, Key, RsaKey, SecretKey } from "./key";
import { Modulus } from "./modulus";
import { Token } from "./token";

const SECRET_ALGORITHMS: string[] = ["HS256", "HS384", "HS512"];

/** Bits of an RSA modulus that Envoy's cryptography takes. */
const LEAST_RSA = 512;
const MOST_RSA = 16384;

/** A JSON Web Key Set (RFC 7517). A key that cannot be used is left out; why stands in `problems`. */
export class Jwks {
  readonly keys: Key[] = [];
  readonly problems: string[] = [];
  /** Why this is no key set at all; "" when it is one. */
  error: string = "";

  constructor(text: string) {
    const root = parseJson(text).value;
    if (root == null || !root.isObject) this.error = "Jwks is an invalid JSON";
    else this.readRoot(root);
  }

  /** "" when a key of the set has signed the token. */
  failure(token: Token): string {
    let suitable = false;
    for (let i = 0; i < this.keys.length; i++) {
      const key = this.keys[i];
      if (!key.suits(token)) continue;
      suitable = true;
      if (key.verifies(token)) return "";
    }
    return suitable ? WRONG_SIGNATURE : NO_MATCHING_KEY;
  }

  private readRoot(root: JsonValue): void {
    const list = root.get("keys");
    if (list == null) this.error = "Jwks does not have [keys] field";
    else if (!list.isList) this.error = "[keys] in Jwks is not an array";
    else this.readKeys(list.items);
  }

  private readKeys(list: JsonValue[]): void {
    for (let i = 0; i < list.length; i++) {
      const reader = new KeyReader(list[i]);
      const key = reader.read();
      if (key != null) this.keys.push(key);
      else this.problems.push(`keys[${i}]: ${reader.problem}`);
    }
    if (this.keys.length == 0) this.error = "Jwks doesn't have any valid public key";
  }
}

/** Reads one key. Problems are told in Envoy's words where it has some. */
class KeyReader {
  problem: string = "";

  constructor(private readonly json: JsonValue) {}

  read(): Key | null {
    if (!this.json.isObject) return this.fail("expected an object");
    const kind = this.json.get("kty");
    if (kind == null) return this.fail("[kty] is missing in [keys]");
    if (!kind.isText) return this.fail("[kty] is bad in [keys]");
    if (kind.text == "RSA") return this.rsa();
    if (kind.text == "EC") return this.ec();
    if (kind.text == "oct") return this.secret();
    return this.fail(`[kty] ${kind.text} is not supported in [keys]`);
  }

  private fail(why: string): Key | null {
    if (this.problem == "") this.problem = why;
    return null;
  }

  /** `kid` and `alg` are optional; what is not a text counts as absent. */
  private optional(name: string): string {
    const value = this.json.get(name);
    return value != null && value.isText ? value.text : "";
  }

  private number(name: string, kind: string): Bytes | null {
    const value = this.json.get(name);
    if (value == null) this.fail(`[${name}] field is missing for ${kind} key`);
    else if (!value.isText) this.fail(`[${name}] field is not string for ${kind} key`);
    else return decodeBase64UrlLenient(value.text);
    return null;
  }

  private rsa(): Key | null {
    const algorithm = this.optional("alg");
    if (algorithm != "" && !algorithm.startsWith("RS") && !algorithm.startsWith("PS")) {
      return this.fail("[alg] is not started with [RS] or [PS] for an RSA key");
    }
    const n = this.number("n", "a RSA");
    const e = this.number("e", "a RSA");
    if (n == null || e == null || !isModulus(trimmed(n)) || !isExponent(trimmed(e))) {
      return this.fail("Jwks RSA [n] or [e] field is missing or has a parse error");
    }
    const exponent: u32 = trimmed(e).length == 1 ? 3 : 65537;
    const key = SignatureKey.der(rsaPublicKey(n, e));
    return new RsaKey(this.optional("kid"), algorithm, key, new Modulus(n, exponent));
  }

  private ec(): Key | null {
    const algorithm = this.optional("alg");
    if (algorithm != "" && !algorithm.startsWith("ES")) {
      return this.fail("[alg] is not started with [ES] for an EC key");
    }
    const curve = this.curve(algorithm);
    const x = this.number("x", "an EC");
    const y = this.number("y", "an EC");
    if (x == null || y == null) return this.fail("Jwks EC [x] or [y] field is an invalid Base64.");
    if (curve == null) return null;
    const key = ecPublicKey(curve, x, y);
    if (key == null) return this.fail("Jwks EC [x] and [y] fields have a parse error.");
    return new EcKey(this.optional("kid"), algorithm, SignatureKey.der(key));
  }

  private secret(): Key | null {
    const algorithm = this.optional("alg");
    if (algorithm != "" && !SECRET_ALGORITHMS.includes(algorithm)) {
      return this.fail("[alg] does not start with [HS] for an HMAC key");
    }
    const secret = this.number("k", "an HMAC");
    if (secret == null || secret.length == 0) return this.fail("Jwks Oct key is an invalid Base64");
    return new SecretKey(this.optional("kid"), algorithm, secret);
  }

  /** From `crv`, else from `alg`, else P-256. */
  private curve(algorithm: string): Curve | null {
    const given = this.json.get("crv");
    if (given != null && !given.isText) this.fail("[crv] field is not string for an EC key");
    const name = given == null ? "" : given.text;
    const byName = curveOf(name);
    const byAlgorithm = curveOf(algorithm);
    if (name == "" && algorithm == "") return P256;
    if (name != "" && algorithm != "" && (byName == null || byName != byAlgorithm)) {
      this.fail("[crv] field specified is not compatible with [alg] for an EC key");
    }
    const curve = byName != null ? byName : byAlgorithm;
    if (curve == null) this.fail("[crv] or [alg] field is not supported for an EC key");
    return this.problem == "" ? curve : null;
  }
}

/** The curve of a name or of an algorithm. */
function curveOf(name: string): Curve | null {
  if (name == "P-256" || name == "ES256") return P256;
  if (name == "P-384" || name == "ES384") return P384;
  return name == "P-521" || name == "ES512" ? P521 : null;
}

function isModulus(n: Bytes): bool {
  const bits = n.length == 0 ? 0 : 8 * n.length - clz<i32>(<i32>n.at(0)) + 24;
  return bits >= LEAST_RSA && bits <= MOST_RSA && (n.at(n.length - 1) & 1) == 1;
}

/** 3 or 65537: Envoy takes no other. */
function isExponent(e: Bytes): bool {
  if (e.length == 1) return e.at(0) == 3;
  return e.length == 3 && e.at(0) == 1 && e.at(1) == 0 && e.at(2) == 1;
}
