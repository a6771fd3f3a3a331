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

const PERMISSION_DENIED = 7;

class AuthzRoot extends RootContext {
  readonly policies: Policies = new Policies();

  onConfigure(config: string): string | null {
    return readConfig(config, this.policies);
  }
}

class Authz extends HttpFilter {
  onRequestHeaders(): Action {
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
