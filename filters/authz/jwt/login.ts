import { currentTime, HeaderName, HttpRequest, Pairs } from "proxy-wasm-toolkit/sdk";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { MISSING, UNKNOWN_ISSUER } from "./failure";
import { JwtRule } from "./rule";
import { FoundToken } from "./source";
import { Token } from "./token";

/**
 * What the rules make of one request, as Istio has Envoy combine them: any rule whose tokens are good is enough; else every rule
 * must be content, and one without tokens is.
 */
export class Login {
  /** Why the request is refused; "" = it is not. */
  failure: string = "";
  /** What the last good token says; null without one. */
  claims: JsonValue | null = null;
  /** As they are now; null once they have been changed. */
  private snapshot: Pairs | null = null;

  constructor(
    private readonly rules: JwtRule[],
    private readonly request: HttpRequest,
  ) {}

  run(): void {
    const rules = this.rules;
    // Nobody but a good token makes these headers, not even in a preflight.
    for (let i = 0; i < rules.length; i++) this.stripOutputs(rules[i]);
    if (isPreflight(this.headers)) return;
    let worst = MISSING;
    for (let i = 0; i < rules.length; i++) {
      const failure = this.verify(rules[i]);
      if (failure == "") return;
      worst = worse(worst, failure);
    }
    if (rules.length > 1) {
      const all = this.verifyAll();
      worst = all == "" ? MISSING : worse(worst, all);
    }
    this.failure = worst == MISSING ? "" : worst;
  }

  private get headers(): Pairs {
    let headers = this.snapshot;
    if (headers == null) this.snapshot = headers = this.request.headers.pairs();
    return headers;
  }

  private stripOutputs(rule: JwtRule): void {
    if (rule.outputs.strip(this.request, this.headers)) this.snapshot = null;
  }

  private verifyAll(): string {
    for (let i = 0; i < this.rules.length; i++) {
      const failure = this.verify(this.rules[i]);
      if (failure != "" && failure != MISSING) return failure;
    }
    return "";
  }

  /** Every token that is found must be good. */
  private verify(rule: JwtRule): string {
    this.stripOutputs(rule);
    const found: FoundToken[] = [];
    for (let i = 0; i < rule.sources.length; i++) rule.sources[i].find(this.headers, found);
    if (found.length == 0) return MISSING;
    // Envoy begins with the last.
    for (let i = found.length - 1; i >= 0; i--) {
      const failure = this.verifyToken(rule, found[i]);
      if (failure != "") return failure;
    }
    return "";
  }

  private verifyToken(rule: JwtRule, found: FoundToken): string {
    const token = new Token(found.text);
    const early = rule.failure(token, <f64>(currentTime() / 1000000000));
    if (early != "") return early;
    const jwks = rule.jwks;
    if (jwks != null) {
      const failure = jwks.failure(token);
      if (failure != "") return failure;
    }
    this.claims = token.claims;
    rule.outputs.write(this.request, token);
    if (!rule.forwardsToken) found.remove(this.request);
    this.snapshot = null;
    return "";
  }
}

const METHOD = new HeaderName(":method");
const ORIGIN = new HeaderName("origin");
const REQUESTED_METHOD = new HeaderName("access-control-request-method");

/** A CORS preflight carries no credentials. */
function isPreflight(headers: Pairs): bool {
  return (
    first(headers, METHOD) == "OPTIONS" &&
    first(headers, ORIGIN) != "" &&
    first(headers, REQUESTED_METHOD) != ""
  );
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
