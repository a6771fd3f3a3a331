import {
  Action,
  HttpFilter,
  isLogging,
  LogLevel,
  logDebug,
  RootContext,
  registerHttp,
} from "proxy-wasm-toolkit/sdk";
import { readConfig } from "./config";
import { Policies } from "./policy";
import { RequestFacts } from "./request";

class AuthzRoot extends RootContext {
  readonly policies: Policies = new Policies();

  onConfigure(config: string): string | null {
    return readConfig(config, this.policies);
  }
}

class Authz extends HttpFilter {
  onRequestHeaders(): Action {
    const policies = (this.root as AuthzRoot).policies;
    if (policies.empty) return Action.Continue;
    const denial = policies.denial(new RequestFacts(this.request));
    if (denial == null) return Action.Continue;
    if (isLogging(LogLevel.Debug)) logDebug(`enforced denied, matched policy ${denial}`);
    return this.sendLocalResponse(
      403,
      "RBAC: access denied",
      null,
      7,
      `rbac_access_denied_matched_policy[${denial}]`,
    );
  }
}

registerHttp<Authz, AuthzRoot>("authz");
