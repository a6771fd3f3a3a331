import { Action, HeadersAction, HttpFilter, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";
import { Claims, JsonClaims, MetadataClaims } from "./claims";
import { Config, readConfig } from "./config";
import { Facts } from "./facts";
import { refuse } from "./jwt/answer";
import { Waiter } from "./jwt/keys";
import { Login } from "./jwt/login";
import { Terms } from "./terms";

const PERMISSION_DENIED = 7;
/** Not `Pause`: where plugins may stop at headers alone, the body would take a request past us that still waits. */
const HOLD = <Action>(<i32>HeadersAction.StopAllIterationAndWatermark);

class AuthzRoot extends RootContext {
  readonly config: Config = new Config();
  /** What a filter in front has verified, when this one has no rules for tokens itself. */
  readonly claims: Claims = new MetadataClaims();

  onConfigure(config: string): string | null {
    return readConfig(config, this.config, new Terms(), "rbac.");
  }
}

class Authz extends HttpFilter implements Waiter {
  private login: Login | null = null;

  onRequestHeaders(): Action {
    const root = this.root as AuthzRoot;
    const rules = root.config.jwtRules;
    if (rules.length == 0) return this.authorize(root.claims);
    const login = new Login(rules, this.request);
    this.login = login;
    return this.authenticate(login);
  }

  asker(): RootContext {
    return this.root;
  }

  resume(): void {
    const login = this.login;
    if (login == null || !this.makeEffective()) return;
    if (this.authenticate(login) == Action.Continue) this.continueRequest();
  }

  private authenticate(login: Login): Action {
    if (!login.run(this)) return HOLD;
    if (login.failure != "") return refuse(this, login.failure, login.realm);
    return this.authorize(new JsonClaims(login.claims));
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
