import { JsonKind, JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { UNKNOWN_ISSUER, WRONG_AUDIENCE } from "./failure";
import { Keys } from "./keys";
import { Outputs } from "./outputs";
import { Source } from "./source";
import { Token } from "./token";

/** One JWTRule: whose tokens, where they are, and what becomes of a good one. */
export class JwtRule {
  /** Without scheme and trailing slash; none = any audience will do. */
  readonly audiences: string[] = [];
  readonly sources: Source[] = [];
  readonly outputs: Outputs = new Outputs();
  /** Claims that are lists of words with spaces between. */
  readonly wordClaims: string[] = ["scope", "permission"];
  forwardsToken: bool = false;

  constructor(
    readonly issuer: string,
    readonly keys: Keys,
  ) {}

  /** What is wrong with a token before its signature is looked at, in Envoy's order; "" = nothing. */
  failure(token: Token, now: f64): string {
    if (token.failure != "") return token.failure;
    if (token.issuer != this.issuer) return UNKNOWN_ISSUER;
    const late = token.timeFailure(now);
    if (late != "") return late;
    return this.takesAudience(token) ? "" : WRONG_AUDIENCE;
  }

  addAudience(audience: string): void {
    this.audiences.push(bareAudience(audience));
  }

  /** What policies see of a good token: claims that are lists written as words are lists. */
  claims(token: Token): JsonValue {
    const claims = token.claims;
    const seen = new JsonValue(JsonKind.Object);
    for (let i = 0; i < claims.keys.length; i++) {
      const item = claims.items[i];
      const isWords = item.isText && this.wordClaims.includes(claims.keys[i]);
      seen.keys.push(claims.keys[i]);
      seen.items.push(isWords ? wordsOf(item) : item);
    }
    return seen;
  }

  /** Rules are looked at in the order of their issuers. */
  get order(): string {
    return this.issuer;
  }

  private takesAudience(token: Token): bool {
    if (this.audiences.length == 0) return true;
    for (let i = 0; i < token.audiences.length; i++) {
      if (this.audiences.includes(bareAudience(token.audiences[i]))) return true;
    }
    return false;
  }
}

/** A text without any word stays what it is, as for Envoy. */
function wordsOf(text: JsonValue): JsonValue {
  const list = new JsonValue(JsonKind.List);
  const words = text.text.split(" ");
  for (let i = 0; i < words.length; i++) {
    if (words[i] == "") continue;
    const word = new JsonValue(JsonKind.Text);
    word.text = words[i];
    list.items.push(word);
  }
  return list.items.length == 0 ? text : list;
}

function bareAudience(audience: string): string {
  let from = 0;
  if (audience.startsWith("http://")) from = 7;
  else if (audience.startsWith("https://")) from = 8;
  return audience.substring(from, audience.endsWith("/") ? max(audience.length - 1, from) : audience.length);
}
