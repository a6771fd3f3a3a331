import { isLogging, LogLevel, logDebug, Metric, MetricType, setProperty } from "proxy-wasm-toolkit/sdk";
import { Facts } from "./facts";
import { RuleSet } from "./rule-set";

export const enum Verb {
  Allow,
  Deny,
  /** Never denies; says in `access_log_hint` whether a rule matched. */
  Log,
}

/** The rules of one action, and what is counted of their decisions. */
export class Ruling {
  private allowed: Metric = changetype<Metric>(0);
  private denied: Metric = changetype<Metric>(0);
  /** Where metrics of single rules begin, and the id of one for each rule that has decided so far; 0 = not yet. */
  private readonly start: string;
  private readonly own: StaticArray<usize>;

  /**
   * `prefix` is what metrics (and, of a trial, filter state) are called by; a trial enforces nothing. `each`: every rule has a
   * metric of its own.
   */
  constructor(
    readonly verb: Verb,
    readonly rules: RuleSet,
    base: string,
    private readonly prefix: string,
    private readonly trial: bool,
    private readonly each: bool = false,
  ) {
    const dot = prefix == "" || prefix.endsWith(".") ? "" : ".";
    this.start = base + prefix + dot;
    this.own = new StaticArray<usize>(each ? rules.rules.length : 0);
    this.allowed = this.counter("", false);
    this.denied = this.counter("", true);
  }

  private counter(rule: string, denies: bool): Metric {
    const policy = rule == "" ? "" : `policy.${rule}.`;
    const name = `${this.start}${policy}${this.trial ? "shadow_" : ""}${denies ? "denied" : "allowed"}`;
    return Metric.define(MetricType.Counter, name);
  }

  /** A rule always decides the same way: it needs one metric. */
  private count(at: i32, denies: bool): void {
    (denies ? this.denied : this.allowed).increment(1);
    if (!this.each || at < 0) return;
    if (this.own[at] == 0) {
      this.own[at] = changetype<usize>(this.counter(this.rules.rules[at].id, denies));
    }
    changetype<Metric>(this.own[at]).increment(1);
  }

  /** Null = passes; else the id of the rule that denies, or `none`. */
  decide(facts: Facts): string | null {
    const at = this.rules.first(facts);
    const id = at < 0 ? "none" : this.rules.rules[at].id;
    const denies = this.verb == Verb.Deny ? at >= 0 : this.verb == Verb.Allow && at < 0;
    this.count(at, denies);
    if ((denies || this.trial) && isLogging(LogLevel.Debug)) {
      logDebug(
        `${this.trial ? "shadow" : "enforced"} ${denies ? "denied" : "allowed"}, matched policy ${id}`,
      );
    }
    if (this.trial) this.tell(denies, at < 0 ? "" : id);
    else if (this.verb == Verb.Log) setProperty("access_log_hint", at < 0 ? "false" : "true");
    return denies ? id : null;
  }

  /** Envoy writes this into dynamic metadata, which modules cannot: the names are the same. */
  private tell(denies: bool, id: string): void {
    setProperty(`${this.prefix}shadow_engine_result`, denies ? "denied" : "allowed");
    if (id != "") setProperty(`${this.prefix}shadow_effective_policy_id`, id);
  }
}

/** What one RBAC filter of Envoy does: rules on trial first, then those that count. Either may be absent. */
export class Engine {
  constructor(
    readonly trial: Ruling | null,
    readonly rules: Ruling | null,
  ) {}

  decide(facts: Facts): string | null {
    const trial = this.trial;
    if (trial != null) trial.decide(facts);
    const rules = this.rules;
    return rules == null ? null : rules.decide(facts);
  }
}

/** As Envoy tells it in response details; spaces would break lines of access logs into more columns. */
export function detailsOf(id: string): string {
  return `rbac_access_denied_matched_policy[${id.includes(" ") ? id.replaceAll(" ", "_") : id}]`;
}
