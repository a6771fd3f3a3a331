import { currentTime, HeaderName, HttpRequest, Pairs } from "proxy-wasm-toolkit/sdk";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { realmOf } from "./answer";
import { MISSING, UNKNOWN_ISSUER } from "./failure";
import { WAIT, Waiter } from "./keys";
import { JwtRule } from "./rule";
import { FoundToken } from "./source";
import { Token } from "./token";

/**
 * What the rules make of one request, as Istio has Envoy combine them: any rule whose tokens are good is enough; else every rule
 * must be content, and one without tokens is. Keys may have to be waited for: then it goes on where it was.
 */
export class Login {
  /** Why the request is refused; "" = it is not. */
  failure: string = "";
  /** What the last good token says; null without one. */
  claims: JsonValue | null = null;
  /** Headers as they came. */
  private readonly original: Pairs;
  /** Headers as they are now; null once they have been changed. */
  private snapshot: Pairs | null;
  /** The rule whose turn it is; the second time round all must be content. */
  private turn: i32 = 0;
  /** The tokens of that rule that are still to be looked at; null before they have been looked for. */
  private found: FoundToken[] | null = null;
  private worst: string = MISSING;
  private readonly tokens: Token[] = [];

  constructor(
    private readonly rules: JwtRule[],
    private readonly request: HttpRequest,
  ) {
    const headers = request.headers.pairs();
    this.original = headers;
    this.snapshot = headers;
    // Nobody but a good token makes these headers, not even in a preflight.
    for (let i = 0; i < rules.length; i++) this.stripOutputs(rules[i]);
    if (isPreflight(headers)) this.turn = this.turns;
  }

  /** Goes as far as there are keys; false = the waiter will be told to call again. */
  run(waiter: Waiter): bool {
    const count = this.rules.length;
    for (; this.turn < this.turns; this.turn++) {
      const failure = this.verify(this.rules[this.turn % count], waiter);
      if (failure == WAIT) return false;
      this.found = null;
      const isSecond = this.turn >= count;
      if (failure == "" && !isSecond) return this.end("");
      if (!isSecond) this.worst = worse(this.worst, failure);
      else if (failure != "" && failure != MISSING) return this.end(worse(this.worst, failure));
    }
    return this.end(count == 1 && this.worst != MISSING ? this.worst : "");
  }

  /** The URL the client asked for. */
  get realm(): string {
    return realmOf(this.original);
  }

  private get turns(): i32 {
    return this.rules.length == 1 ? 1 : 2 * this.rules.length;
  }

  private end(failure: string): bool {
    this.turn = this.turns;
    this.failure = failure;
    return true;
  }

  private get headers(): Pairs {
    let headers = this.snapshot;
    if (headers == null) this.snapshot = headers = this.request.headers.pairs();
    return headers;
  }

  private stripOutputs(rule: JwtRule): void {
    if (rule.outputs.strip(this.request, this.headers)) this.snapshot = null;
  }

  private find(rule: JwtRule): FoundToken[] {
    this.stripOutputs(rule);
    const found: FoundToken[] = [];
    for (let i = 0; i < rule.sources.length; i++) rule.sources[i].find(this.headers, found);
    return found;
  }

  /** Every token that is found must be good. */
  private verify(rule: JwtRule, waiter: Waiter): string {
    let found = this.found;
    if (found == null) {
      this.found = found = this.find(rule);
      if (found.length == 0) return MISSING;
    }
    // Envoy begins with the last.
    while (found.length > 0) {
      const failure = this.verifyToken(rule, found[found.length - 1], waiter);
      if (failure != "") return failure;
      found.pop();
    }
    return "";
  }

  /** Rules often look at the same token: it is read once. */
  private parsed(text: string): Token {
    const tokens = this.tokens;
    for (let i = 0; i < tokens.length; i++) if (tokens[i].text == text) return tokens[i];
    const token = new Token(text);
    tokens.push(token);
    return token;
  }

  private verifyToken(rule: JwtRule, found: FoundToken, waiter: Waiter): string {
    const token = this.parsed(found.text);
    let failure = rule.failure(token, <f64>(currentTime() / 1000000000));
    if (failure == "") failure = rule.keys.failure(token, waiter);
    if (failure != "") return failure;
    rule.outputs.write(this.request, token);
    if (!rule.forwardsToken) found.remove(this.request);
    this.snapshot = null;
    this.claims = rule.claims(token);
    return "";
  }
}

const METHOD = new HeaderName(":method");
const ORIGIN = new HeaderName("origin");
const REQUESTED_METHOD = new HeaderName("access-control-request-method");

/** A CORS preflight carries no credentials. */
function isPreflight(headers: Pairs): bool {
  if (first(headers, METHOD) != "OPTIONS") return false;
  return first(headers, ORIGIN) != "" && first(headers, REQUESTED_METHOD) != "";
}

/** First value, "" when there is none. */
function first(headers: Pairs, name: HeaderName): string {
  const at = headers.indexOf(name);
  return at < 0 ? "" : headers.value(at);
}

/** Of two failures the one that is told: what is wrong with a token before a wrong issuer, that before no token. */
function worse(before: string, next: string): string {
  return before == MISSING || (next != MISSING && next != UNKNOWN_ISSUER) ? next : before;
}
