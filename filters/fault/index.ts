import { Action, monotonicTime, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";
import { readConfig } from "./config";
import { Delayed, Delays } from "./delays";
import { roll } from "./roll";
import { FaultRule } from "./rule";
import { Settings } from "./settings";

class FaultRoot extends RootContext {
  readonly settings: Settings = new Settings();
  readonly delays: Delays = new Delays();

  onConfigure(config: string): string | null {
    return readConfig(config, this.settings);
  }

  onTick(): void {
    this.delays.tick(monotonicTime());
  }
}

/** A request under the rule that applies to it. First the delay is rolled, then (when it is over) the abort. */
class Fault extends Delayed {
  private rule: FaultRule | null = null;

  onRequestHeaders(): Action {
    const root = this.root as FaultRoot;
    const rule = root.settings.ruleFor(this.request.headers);
    if (rule == null) return Action.Continue;
    if (roll(rule.delayChance)) {
      this.rule = rule;
      root.delays.add(this, monotonicTime() + <i64>rule.delayMs * 1000000);
      return Action.Pause;
    }
    return this.aborts(rule) ? Action.Pause : Action.Continue;
  }

  /** The delay is over, and this stream is the effective context. */
  resume(): void {
    if (!this.aborts(this.rule as FaultRule)) this.continueRequest();
  }

  /** Answers the request when its own roll says so. */
  private aborts(rule: FaultRule): bool {
    if (!roll(rule.abortChance)) return false;
    this.sendLocalResponse(rule.status, "fault filter abort", null, rule.grpcStatus, "fault_filter_abort");
    return true;
  }

  onDone(): void {
    // The client may have left during the delay.
    if (this.rule != null) (this.root as FaultRoot).delays.remove(this);
  }
}

registerHttp<Fault, FaultRoot>("fault");
