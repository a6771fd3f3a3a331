import { Action, HeadersAction, monotonicTime, registerHttp, setProperty } from "proxy-wasm-toolkit/sdk";
import { Next, ResponseShaper } from "./response-shaper";
import { DENOMINATOR } from "./roll";
import { FaultRoot } from "./root";
import { FaultRule } from "./rule";
import { Held, NEVER } from "./waiting";

/** Access logs show it as `%FILTER_STATE(wasm.smf_fault:PLAIN)%`; DI and FI are Envoy's own response flags. */
const MARK = "smf_fault";

/**
 * A request under the rule that applies to it. As in Envoy, what befalls its response is rolled first, then the delay,
 * then (when that is over) the abort.
 */
class Fault extends Held {
  /** Set while the request waits. */
  private rule: FaultRule | null = null;
  /** Set when something befalls the response's body. */
  private shaper: ResponseShaper | null = null;
  private mark: string = "";
  /** Counts among the active faults; once, whatever befalls it. */
  private active: bool = false;

  onRequestHeaders(): Action {
    const root = this.root as FaultRoot;
    const rule = root.settings.ruleFor(this.request.headers);
    if (rule == null) return Action.Continue;
    if (rule.shapesResponses) this.rollResponse(rule);
    if (rule.delayMs > 0 && this.rolls(rule, rule.delayChance)) {
      this.rule = rule;
      root.ledger.delayed();
      this.note("DI");
      root.waiting.add(this, monotonicTime() + <i64>rule.delayMs * 1000000);
      // Not Pause: where a plugin has allow_on_headers_stop_iteration, the body would come, and take the headers along.
      return <Action>(<i32>HeadersAction.StopAllIterationAndWatermark);
    }
    return this.aborts(rule) ? Action.Pause : Action.Continue;
  }

  onResponseHeaders(): Action {
    if (this.rule != null) this.forgetDelay();
    const shaper = this.shaper;
    if (shaper != null && !this.response.endOfStream) shaper.headers(this.response.headers);
    return Action.Continue;
  }

  onResponseBody(): Action {
    const shaper = this.shaper;
    if (shaper == null) return Action.Continue;
    const action = shaper.body(this.response.body, this.response.endOfStream);
    this.wait(shaper);
    return <Action>(<i32>action);
  }

  onResponseTrailers(): Action {
    const shaper = this.shaper;
    if (shaper == null) return Action.Continue;
    const holds = shaper.holdsTrailers();
    this.wait(shaper);
    return holds ? Action.Pause : Action.Continue;
  }

  /** Its time has come, and this stream is the effective context. */
  resume(now: i64): void {
    const rule = this.rule;
    const shaper = this.shaper;
    if (rule != null) {
      this.rule = null;
      if (this.aborts(rule)) return;
      if (shaper == null) this.leave();
      this.continueRequest();
    } else if (shaper != null) {
      const next = shaper.resume(now);
      if (next == Next.Continue) this.continueResponse();
      else if (next == Next.Reset) this.reset();
      this.wait(shaper);
    }
  }

  /** Not onDone, which would be a callback more. */
  onDelete(): void {
    // The client may have left during the delay.
    if (this.due != NEVER) (this.root as FaultRoot).waiting.remove(this);
    this.leave();
  }

  /** Something else has answered during the delay. */
  private forgetDelay(): void {
    this.rule = null;
    (this.root as FaultRoot).waiting.remove(this);
  }

  /** Draws what is to befall the response. */
  private rollResponse(rule: FaultRule): void {
    const root = this.root as FaultRoot;
    const paces = this.rolls(rule, rule.paceChance);
    const stalls = this.rolls(rule, rule.stallChance);
    const cuts = this.rolls(rule, rule.cutChance);
    if (!paces && !stalls && !cuts) return;
    const shaper = new ResponseShaper(root.ledger);
    if (paces) {
      shaper.paceAt(rule.kbps);
      this.note("response_rl");
    }
    if (stalls) {
      shaper.stall(rule.stallAfter, rule.stallTime);
      this.note("stall");
    }
    if (cuts) {
      shaper.cut(rule.cutAfter, rule.cutResets);
      this.note("truncate");
    }
    this.shaper = shaper;
  }

  /** Answers the request when its own roll says so. */
  private aborts(rule: FaultRule): bool {
    const root = this.root as FaultRoot;
    if (!this.rolls(rule, rule.abortChance)) return false;
    // The answer is the fault; it needs no other.
    this.shaper = null;
    root.ledger.aborted();
    this.note("FI");
    this.sendLocalResponse(rule.status, "fault filter abort", null, rule.grpcStatus, "fault_filter_abort");
    return true;
  }

  /** One draw: does this befall the request, and is there room for one more fault? */
  private rolls(rule: FaultRule, chance: u32): bool {
    if (chance == 0) return false;
    const share = rule.share;
    if (share < DENOMINATOR) chance = <u32>((<u64>chance * share) / DENOMINATOR);
    return (this.root as FaultRoot).settings.dice.roll(chance) && this.enter();
  }

  /** Sees to it that the response goes on when it is due. */
  private wait(shaper: ResponseShaper): void {
    const due = shaper.due;
    if (due == this.due) return;
    const waiting = (this.root as FaultRoot).waiting;
    if (this.due != NEVER) waiting.remove(this);
    if (due != NEVER) waiting.add(this, due);
  }

  private note(what: string): void {
    this.mark = this.mark == "" ? what : `${this.mark},${what}`;
    setProperty(MARK, this.mark);
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
}

registerHttp<Fault, FaultRoot>("fault");
