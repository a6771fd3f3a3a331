import { Action, monotonicTime, RootContext, registerHttp, setProperty } from "proxy-wasm-toolkit/sdk";
import { readConfig } from "./config";
import { Delayed, Delays } from "./delays";
import { Ledger } from "./ledger";
import { FaultRule } from "./rule";
import { Settings } from "./settings";

/** Access logs show it as `%FILTER_STATE(wasm.smf_fault:PLAIN)%`; the values are those of Envoy's response flags. */
const MARK = "smf_fault";

class FaultRoot extends RootContext {
  readonly settings: Settings = new Settings();
  readonly delays: Delays = new Delays();
  private kept: Ledger | null = null;

  get ledger(): Ledger {
    return this.kept as Ledger;
  }

  onConfigure(config: string): string | null {
    const error = readConfig(config, this.settings);
    if (error == null) this.kept = new Ledger(this.settings.maxActiveFaults);
    return error;
  }

  onTick(): void {
    this.delays.tick(monotonicTime());
  }
}

/** A request under the rule that applies to it. First the delay is rolled, then (when it is over) the abort. */
class Fault extends Delayed {
  /** Set while the request waits. */
  private rule: FaultRule | null = null;
  /** Counts among the active faults; once, whatever befalls it. */
  private active: bool = false;

  onRequestHeaders(): Action {
    const root = this.root as FaultRoot;
    const rule = root.settings.ruleFor(this.request.headers);
    if (rule == null) return Action.Continue;
    if (root.settings.dice.roll(rule.delayChance) && this.enter()) {
      this.rule = rule;
      root.ledger.delayed();
      setProperty(MARK, "DI");
      root.delays.add(this, monotonicTime() + <i64>rule.delayMs * 1000000);
      return Action.Pause;
    }
    return this.aborts(rule, "FI") ? Action.Pause : Action.Continue;
  }

  /** The delay is over, and this stream is the effective context. */
  resume(): void {
    const rule = this.rule as FaultRule;
    this.rule = null;
    if (this.aborts(rule, "DI,FI")) return;
    this.leave();
    this.continueRequest();
  }

  /** Answers the request when its own roll says so. */
  private aborts(rule: FaultRule, mark: string): bool {
    const root = this.root as FaultRoot;
    if (!root.settings.dice.roll(rule.abortChance) || !this.enter()) return false;
    root.ledger.aborted();
    setProperty(MARK, mark);
    this.sendLocalResponse(rule.status, "fault filter abort", null, rule.grpcStatus, "fault_filter_abort");
    return true;
  }

  private enter(): bool {
    if (!this.active) this.active = (this.root as FaultRoot).ledger.enter();
    return this.active;
  }

  private leave(): void {
    if (!this.active) return;
    this.active = false;
    (this.root as FaultRoot).ledger.leave();
  }

  onDone(): void {
    // The client may have left during the delay.
    if (this.rule != null) (this.root as FaultRoot).delays.remove(this);
    this.leave();
  }
}

registerHttp<Fault, FaultRoot>("fault");
