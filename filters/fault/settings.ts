import { HeaderMap, HeaderName } from "proxy-wasm-toolkit/sdk";
import { Dice } from "./dice";
import { HeaderFaults } from "./header-faults";
import { Request } from "./request";
import { FaultRule } from "./rule";
import { Runtime } from "./runtime";

/** Everything a configuration says. */
export class Settings {
  readonly rules: FaultRule[] = [];
  /** Null = requests cannot ask for faults. */
  headerFaults: HeaderFaults | null = null;
  /** -1 = no limit. */
  maxActiveFaults: i64 = -1;
  readonly dice: Dice = new Dice();
  /** Requests that have it are left alone; null = none. */
  killSwitch: HeaderName | null = null;

  /** Null = rules stand as they are. */
  runtime: Runtime | null = null;

  /** What may happen to a request, or null. As routes do in Envoy, an entry with a fault replaces what headers ask for. */
  ruleFor(headers: HeaderMap): FaultRule | null {
    const rule = this.find(headers);
    const runtime = this.runtime;
    return rule == null || runtime == null ? rule : runtime.applied(rule, headers);
  }

  private find(headers: HeaderMap): FaultRule | null {
    const off = this.killSwitch;
    if (off != null && headers.has<HeaderName>(off)) return null;
    const rules = this.rules;
    if (rules.length > 0) {
      const request = new Request(headers);
      for (let i = 0; i < rules.length; i++) {
        if (!rules[i].applies(request)) continue;
        if (rules[i].injects) return rules[i];
        break;
      }
    }
    const asked = this.headerFaults;
    return asked == null ? null : asked.ruleFor(headers);
  }
}
