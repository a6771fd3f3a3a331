import { Action, HeadersAction, RootContext } from "proxy-wasm-toolkit/sdk";
import { Claims, JsonClaims } from "./claims";
import { Asking } from "./custom/check";
import { detailsOf } from "./engine";
import { Facts } from "./facts";
import { refuse } from "./jwt/answer";
import { Waiter } from "./jwt/keys";
import { Login } from "./jwt/login";
import { AuthzRoot } from "./root";

const PERMISSION_DENIED = 7;
/** Not `Pause`: where plugins may stop at headers alone, the body would take a request past us that still waits. */
const HOLD = <Action>(<i32>HeadersAction.StopAllIterationAndWatermark);

/** Providers are asked first, then tokens are verified, then rules decide. Each step answers whether the request goes on. */
export class AuthzHttp extends Asking implements Waiter {
  /** Providers that have been dealt with. */
  private asked: i32 = 0;
  private login: Login | null = null;

  onRequestHeaders(): Action {
    return this.advance() ? Action.Continue : HOLD;
  }

  asker(): RootContext {
    return this.root;
  }

  /** What was waited for is there: goes on from where it stopped. */
  resume(): void {
    if (this.makeEffective() && this.advance()) this.continueRequest();
  }

  private advance(): bool {
    return this.askProviders() && this.authenticate() && this.authorize();
  }

  private askProviders(): bool {
    const root = this.root as AuthzRoot;
    const checks = root.config.checks;
    while (this.asked < checks.length) {
      const check = checks[this.asked++];
      if (check.concerns(new Facts(root.config.sources, root.claims)) && !check.ask(this)) return false;
    }
    return true;
  }

  private authenticate(): bool {
    const rules = (this.root as AuthzRoot).config.jwtRules;
    if (rules.length == 0) return true;
    let login = this.login;
    if (login == null) this.login = login = new Login(rules, this.request);
    if (!login.run(this)) return false;
    if (login.failure == "") return true;
    refuse(this, login.failure, login.realm);
    return false;
  }

  private authorize(): bool {
    const root = this.root as AuthzRoot;
    const config = root.config;
    const engines = config.engines;
    if (engines.length == 0) return true;
    const login = this.login;
    const claims: Claims = login == null ? root.claims : new JsonClaims(login.claims);
    const facts = new Facts(config.sources, claims);
    const explained = config.explain(facts);
    for (let i = 0; i < engines.length; i++) {
      const id = engines[i].decide(facts);
      if (id == null) continue;
      this.sendLocalResponse(403, "RBAC: access denied", explained, PERMISSION_DENIED, detailsOf(id));
      return false;
    }
    return true;
  }
}
