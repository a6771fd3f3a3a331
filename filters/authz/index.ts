import {
  Action,
  HttpFilter,
  isLogging,
  LogLevel,
  logDebug,
  Pairs,
  RootContext,
  registerHttp,
} from "proxy-wasm-toolkit/sdk";
import { readConfig } from "./config";
import { Refusal, realmOf } from "./jwt/answer";
import { Login } from "./jwt/login";
import { JwtRule } from "./jwt/rule";
import { Policies } from "./policy";
import { RequestFacts } from "./request";

const PERMISSION_DENIED = 7;

class AuthzRoot extends RootContext {
  readonly policies: Policies = new Policies();
  jwtRules: JwtRule[] = [];

  onConfigure(config: string): string | null {
    return readConfig(config, this.policies, this.jwtRules);
  }
}

class Authz extends HttpFilter {
  onRequestHeaders(): Action {
    return (this.root as AuthzRoot).jwtRules.length == 0 ? this.authorize() : this.authenticate();
  }

  private authenticate(): Action {
    const realm = realmOf(this.request);
    const login = new Login((this.root as AuthzRoot).jwtRules, this.request);
    login.run();
    if (login.failure == "") return this.authorize();
    const refusal = new Refusal(login.failure, realm);
    const headers = new Pairs().add("www-authenticate", refusal.challenge);
    return this.sendLocalResponse(refusal.status, refusal.text, headers, -1, refusal.details);
  }

  private authorize(): Action {
    const policies = (this.root as AuthzRoot).policies;
    if (policies.isEmpty) return Action.Continue;
    const id = policies.denial(new RequestFacts(this.request));
    if (id == null) return Action.Continue;
    if (isLogging(LogLevel.Debug)) logDebug(`enforced denied, matched policy ${id}`);
    const details = `rbac_access_denied_matched_policy[${id}]`;
    return this.sendLocalResponse(403, "RBAC: access denied", null, PERMISSION_DENIED, details);
  }
}

registerHttp<Authz, AuthzRoot>("authz");
