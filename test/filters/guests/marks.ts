/** Shows what the authz filter left for access logs: a test's window into the filter state. */
import { Action, getPropertyString, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

const NAMES: string[] = [
  "access_log_hint",
  "istio_dry_run_deny_shadow_engine_result",
  "istio_dry_run_deny_shadow_effective_policy_id",
  "istio_dry_run_allow_shadow_engine_result",
  "istio_dry_run_allow_shadow_effective_policy_id",
];

class Marks extends HttpFilter {
  onResponseHeaders(): Action {
    for (let i = 0; i < NAMES.length; i++) {
      const mark = getPropertyString(NAMES[i]);
      if (mark != null) this.response.headers.add(`x-${NAMES[i]}`, mark);
    }
    return Action.Continue;
  }
}

registerHttp<Marks>("marks");
