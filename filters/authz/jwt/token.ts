import { Bytes } from "proxy-wasm-toolkit/sdk";
import { decodeBase64UrlLenient } from "proxy-wasm-toolkit/sdk/text/base64";
import { JsonKind, JsonValue, parseJson } from "proxy-wasm-toolkit/sdk/text/json";
import {
  BAD_AUDIENCE,
  BAD_FORMAT,
  BAD_KEY_ID,
  EXPIRED,
  HEADER_BASE64,
  HEADER_JSON,
  NO_ALGORITHM,
  NOT_YET_VALID,
  PAYLOAD_BASE64,
  PAYLOAD_JSON,
  SIGNATURE_BASE64,
  UNKNOWN_ALGORITHM,
} from "./failure";
import { isFiniteText } from "./finite";

const ALGORITHMS: string[] = [
  "ES256",
  "ES384",
  "ES512",
  "HS256",
  "HS384",
  "HS512",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "EdDSA",
];

/** Clocks may differ by that many seconds. */
const SKEW: f64 = 60;
const TWO_TO_64: f64 = 1.8446744073709552e19;

/** A JWT taken apart and read as far as no key is needed, in Envoy's order; `failure` is the first thing wrong with it. */
export class Token {
  failure: string = "";
  algorithm: string = "";
  /** "" = the token names none. */
  keyId: string = "";
  issuer: string = "";
  readonly audiences: string[] = [];
  claims: JsonValue = new JsonValue(JsonKind.Object);
  /** The second section as it came. */
  payload: string = "";
  signature: Bytes = Bytes.of("");
  /** What the signature is over. */
  signed: Bytes = Bytes.of("");
  private notBefore: f64 = 0;
  private expiry: f64 = 0;

  constructor(readonly text: string) {
    const sections = threeSections(text);
    if (sections.length != 3) this.fail(BAD_FORMAT);
    else if (this.readHeader(sections[0]) && this.readPayload(sections[1])) {
      const signature = decodeBase64UrlLenient(sections[2]);
      if (signature == null) this.fail(SIGNATURE_BASE64);
      else this.signature = signature;
      this.signed = Bytes.of(`${sections[0]}.${sections[1]}`);
    }
  }

  /** What is wrong with the time, or "". An expiry of 0 is none. */
  timeFailure(now: f64): string {
    if (now + SKEW < this.notBefore) return NOT_YET_VALID;
    return this.expiry > 0 && now > this.expiry + SKEW ? EXPIRED : "";
  }

  /** Keeps the first. */
  private fail(why: string): bool {
    if (this.failure == "") this.failure = why;
    return false;
  }

  private readHeader(section: string): bool {
    const bytes = decodeBase64UrlLenient(section);
    if (bytes == null) return this.fail(HEADER_BASE64);
    const header = objectIn(bytes);
    if (header == null) return this.fail(HEADER_JSON);
    const algorithm = header.get("alg");
    if (algorithm == null || !algorithm.isText) return this.fail(NO_ALGORITHM);
    // The header comes from the client: `none` and everything else unknown ends here.
    if (!ALGORITHMS.includes(algorithm.text)) return this.fail(UNKNOWN_ALGORITHM);
    this.algorithm = algorithm.text;
    const keyId = header.get("kid");
    if (keyId == null) return true;
    if (!keyId.isText) return this.fail(BAD_KEY_ID);
    this.keyId = keyId.text;
    return true;
  }

  private readPayload(section: string): bool {
    const bytes = decodeBase64UrlLenient(section);
    if (bytes == null) return this.fail(PAYLOAD_BASE64);
    const claims = objectIn(bytes);
    if (claims == null) return this.fail(PAYLOAD_JSON);
    this.payload = section;
    this.claims = claims;
    this.issuer = this.textClaim("iss");
    this.textClaim("sub");
    this.seconds("iat");
    this.notBefore = this.seconds("nbf");
    this.expiry = this.seconds("exp");
    this.textClaim("jti");
    this.readAudiences(claims.get("aud"));
    return this.failure == "";
  }

  private textClaim(claim: string): string {
    const value = this.claims.get(claim);
    if (value == null) return "";
    if (!value.isText) this.fail(`Jwt payload [${claim}] field is not a string`);
    return value.text;
  }

  private seconds(claim: string): f64 {
    const value = this.claims.get(claim);
    if (value == null) return 0;
    if (!value.isNumber) this.fail(`Jwt payload [${claim}] field is not an integer`);
    else if (value.number < 0 || value.number >= TWO_TO_64) {
      this.fail(`Jwt payload [${claim}] field is not a positive 64 bit integer`);
    }
    return floor<f64>(value.number);
  }

  private readAudiences(value: JsonValue | null): void {
    if (value == null) return;
    if (value.isText) {
      this.audiences.push(value.text);
      return;
    }
    if (!value.isList) this.fail(BAD_AUDIENCE);
    for (let i = 0; i < value.items.length; i++) {
      if (!value.items[i].isText) this.fail(BAD_AUDIENCE);
      this.audiences.push(value.items[i].text);
    }
  }
}

/** The object a section holds, or null. As for Envoy `null` is an empty one, and no number is infinite. */
function objectIn(bytes: Bytes): JsonValue | null {
  const value = parseJson(bytes.toString()).value;
  if (value == null || value.kind == JsonKind.Null)
    return value == null ? null : new JsonValue(JsonKind.Object);
  return value.isObject && isFiniteTree(value) ? value : null;
}

function isFiniteTree(value: JsonValue): bool {
  if (value.isNumber) return isFiniteText(value.text);
  for (let i = 0; i < value.items.length; i++) if (!isFiniteTree(value.items[i])) return false;
  return true;
}

/** The parts between dots, empty ones left out; more than three when there are more. */
function threeSections(text: string): string[] {
  const sections: string[] = [];
  for (let at = 0; at < text.length && sections.length < 4; ) {
    const dot = text.indexOf(".", at);
    const end = dot < 0 ? text.length : dot;
    if (end > at) sections.push(text.substring(at, end));
    at = end + 1;
  }
  return sections;
}
