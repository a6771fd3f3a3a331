import { Action, setProperty, TcpFilter } from "proxy-wasm-toolkit/sdk";
import { JsonClaims } from "./claims";
import { detailsOf } from "./engine";
import { Facts } from "./facts";
import { AuthzRoot } from "./root";

/** Decides of a connection once, when its first bytes come, as Envoy's network filter. */
export class AuthzTcp extends TcpFilter {
  private decided: bool = false;
  /** Of what comes later, too: a connection may go on for a moment after it was closed. */
  private verdict: Action = Action.Continue;

  onDownstreamData(): Action {
    if (this.decided) return this.verdict;
    this.decided = true;
    const config = (this.root as AuthzRoot).forConnections;
    if (config.broken) return this.deny("none");
    const facts = new Facts(config.sources, new JsonClaims(null));
    config.explain(facts);
    for (let i = 0; i < config.engines.length; i++) {
      const id = config.engines[i].decide(facts);
      if (id != null) return this.deny(id);
    }
    return Action.Continue;
  }

  private deny(id: string): Action {
    // Where access logs find it: modules cannot set why a connection ends.
    setProperty("rbac_access_denied", detailsOf(id));
    this.verdict = Action.Pause;
    this.close();
    return this.verdict;
  }
}
