import { UNKNOWN_ISSUER, WRONG_AUDIENCE } from "./failure";
import { Jwks } from "./jwks";
import { Outputs } from "./outputs";
import { Source } from "./source";
import { Token } from "./token";

/** One JWTRule: whose tokens, where they are, and what becomes of a good one. */
export class JwtRule {
  issuer: string = "";
  /** Without scheme and trailing slash; none = any audience will do. */
  readonly audiences: string[] = [];
  readonly sources: Source[] = [];
  readonly outputs: Outputs = new Outputs();
  jwks: Jwks | null = null;
  forwardsToken: bool = false;

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

  private takesAudience(token: Token): bool {
    if (this.audiences.length == 0) return true;
    for (let i = 0; i < token.audiences.length; i++) {
      if (this.audiences.includes(bareAudience(token.audiences[i]))) return true;
    }
    return false;
  }
}

function bareAudience(audience: string): string {
  let from = 0;
  if (audience.startsWith("http://")) from = 7;
  else if (audience.startsWith("https://")) from = 8;
  return audience.substring(from, audience.endsWith("/") ? max(audience.length - 1, from) : audience.length);
}
