import {
  Action,
  HttpFilter,
  monotonicTime,
  RootContext,
  registerHttp,
  Status,
  setEffectiveContext,
  setTickPeriod,
} from "proxy-wasm-toolkit/sdk";
import { DENOMINATOR, FaultRule, readConfig } from "./config";
import { roll } from "./roll";

/** Finest grain of a delay, milliseconds. */
const TICK_MS: u32 = 5;

class FaultRoot extends RootContext {
  readonly rules: FaultRule[] = [];
  /** Streams held back, in order of arrival. */
  private waiting: Fault[] = [];

  onConfigure(config: string): string | null {
    return readConfig(config, this.rules);
  }

  /** Holds a stream back; the timer runs only while some stream waits. */
  hold(filter: Fault): void {
    if (this.waiting.length == 0) setTickPeriod(TICK_MS);
    this.waiting.push(filter);
  }

  /** The client left during the delay. */
  forget(filter: Fault): void {
    const at = this.waiting.indexOf(filter);
    if (at >= 0) this.waiting.splice(at, 1);
    if (this.waiting.length == 0) setTickPeriod(0);
  }

  onTick(): void {
    const now = monotonicTime();
    const due: Fault[] = [];
    const rest: Fault[] = [];
    for (let i = 0; i < this.waiting.length; i++) {
      const filter = this.waiting[i];
      if (filter.due <= now) due.push(filter);
      else rest.push(filter);
    }
    this.waiting = rest;
    if (rest.length == 0) setTickPeriod(0);
    for (let i = 0; i < due.length; i++) {
      if (setEffectiveContext(due[i].contextId) == Status.Ok) due[i].resume();
    }
    setEffectiveContext(0);
  }
}

class Fault extends HttpFilter {
  private rule: FaultRule | null = null;
  /** When the delay ends, on the monotonic clock; 0 = not delayed. */
  due: i64 = 0;

  onRequestHeaders(): Action {
    const root = this.root as FaultRoot;
    const rule = ruleFor(root.rules, this);
    if (rule == null) return Action.Continue;
    this.rule = rule;
    if (roll(rule.delayChance, DENOMINATOR)) {
      this.due = monotonicTime() + <i64>rule.delayMs * 1000000;
      root.hold(this);
      return Action.Pause;
    }
    return this.abort() ? Action.Pause : Action.Continue;
  }

  /** Answers the request when its own roll says so. */
  private abort(): bool {
    const rule = this.rule;
    if (rule == null || !roll(rule.abortChance, DENOMINATOR)) return false;
    this.sendLocalResponse(
      rule.abortStatus,
      "fault filter abort",
      null,
      rule.grpcStatus,
      "fault_filter_abort",
    );
    return true;
  }

  /** The delay is over and this stream is the effective context. */
  resume(): void {
    this.due = 0;
    if (!this.abort()) this.continueRequest();
  }

  onDone(): void {
    if (this.due != 0) (this.root as FaultRoot).forget(this);
  }
}

/** The first entry whose match applies, or null. */
function ruleFor(rules: FaultRule[], filter: Fault): FaultRule | null {
  if (rules.length == 0) return null;
  const headers = filter.request.headers.pairs();
  for (let i = 0; i < rules.length; i++) if (rules[i].applies(headers)) return rules[i];
  return null;
}

registerHttp<Fault, FaultRoot>("fault");
