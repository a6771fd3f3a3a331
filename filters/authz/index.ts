import { Action, HttpFilter, Pairs, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";
import { Claims, JsonClaims, MetadataClaims } from "./claims";
import { Config, readConfig } from "./config";
import { Facts } from "./facts";
import { Refusal, realmOf } from "./jwt/answer";
import { Login } from "./jwt/login";
import { Terms } from "./terms";

const PERMISSION_DENIED = 7;

class AuthzRoot extends RootContext {
  readonly config: Config = new Config();
  /** What a filter in front has verified, when this one has no rules for tokens itself. */
  readonly claims: Claims = new MetadataClaims();

  onConfigure(config: string): string | null {
    return readConfig(config, this.config, new Terms(), "rbac.");
  }
}

class Authz extends HttpFilter {
  onRequestHeaders(): Action {
    const root = this.root as AuthzRoot;
    return root.config.jwtRules.length == 0 ? this.authorize(root.claims) : this.authenticate();
  }

  private authenticate(): Action {
    const realm = realmOf(this.request);
    const login = new Login((this.root as AuthzRoot).config.jwtRules, this.request);
    login.run();
    if (login.failure == "") return this.authorize(new JsonClaims(login.claims));
    const refusal = new Refusal(login.failure, realm);
    const headers = new Pairs().add("www-authenticate", refusal.challenge);
    return this.sendLocalResponse(refusal.status, refusal.text, headers, -1, refusal.details);
  }

  private authorize(claims: Claims): Action {
    const config = (this.root as AuthzRoot).config;
    const engines = config.engines;
    if (engines.length == 0) return Action.Continue;
    const facts = new Facts(config.sources, claims);
    for (let i = 0; i < engines.length; i++) {
      const id = engines[i].decide(facts);
      if (id == null) continue;
      const details = `rbac_access_denied_matched_policy[${withoutSpaces(id)}]`;
      return this.sendLocalResponse(403, "RBAC: access denied", null, PERMISSION_DENIED, details);
    }
    return Action.Continue;
  }
}

/** As Envoy writes ids into details: spaces would break lines of access logs into more columns. */
function withoutSpaces(id: string): string {
  return id.includes(" ") ? id.replaceAll(" ", "_") : id;
}

registerHttp<Authz, AuthzRoot>("authz");
