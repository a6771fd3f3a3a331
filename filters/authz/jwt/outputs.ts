import { HeaderName, HttpRequest, Pairs } from "proxy-wasm-toolkit/sdk";
import { claimAt, claimText } from "./claim-text";
import { Token } from "./token";

/** A header that tells the application one claim of a good token. */
class ClaimHeader {
  constructor(
    readonly header: HeaderName,
    readonly claim: string[],
  ) {}
}

/** The headers a rule makes of good tokens. A client's own headers of these names never get through. */
export class Outputs {
  payload: HeaderName | null = null;
  private readonly claims: ClaimHeader[] = [];

  /** `claim` is the name, or the way through objects with dots between. */
  add(header: HeaderName, claim: string): void {
    this.claims.push(new ClaimHeader(header, claim.split(".")));
  }

  /** Answers whether there was anything. */
  strip(request: HttpRequest, headers: Pairs): bool {
    const payload = this.payload;
    let found = payload != null && removed(request, headers, payload);
    for (let i = 0; i < this.claims.length; i++) {
      if (removed(request, headers, this.claims[i].header)) found = true;
    }
    return found;
  }

  write(request: HttpRequest, token: Token): void {
    const payload = this.payload;
    if (payload != null) request.headers.add<HeaderName>(payload, token.payload);
    for (let i = 0; i < this.claims.length; i++) {
      const claim = claimAt(token.claims, this.claims[i].claim);
      const text = claim == null ? "" : claimText(claim);
      if (text != "") request.headers.add<HeaderName>(this.claims[i].header, text);
    }
  }
}

/** Asks the proxy only when there is something to remove. */
function removed(request: HttpRequest, headers: Pairs, name: HeaderName): bool {
  if (headers.indexOf(name) < 0) return false;
  request.headers.remove<HeaderName>(name);
  return true;
}
