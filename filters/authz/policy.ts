import { allHold, Condition } from "./conditions";
import { RequestFacts } from "./request";

/** Any `from` and any `to` and all of `when`; an absent part holds always. */
export class Rule {
  from: Condition[][] | null = null;
  to: Condition[][] | null = null;
  when: Condition[] = [];

  matches(request: RequestFacts): bool {
    return anyHolds(this.from, request) && anyHolds(this.to, request) && allHold(this.when, request);
  }
}

function anyHolds(alternatives: Condition[][] | null, request: RequestFacts): bool {
  if (alternatives == null) return true;
  for (let i = 0; i < alternatives.length; i++) if (allHold(alternatives[i], request)) return true;
  return false;
}

/** One AuthorizationPolicy. */
export class Policy {
  deny: bool = false;
  rules: Rule[] = [];
  constructor(readonly id: string) {}
}

/** A rule with the id it is reported by. */
class NamedRule {
  constructor(
    readonly id: string,
    readonly rule: Rule,
  ) {}
}

/** All policies of a plugin, split by action; rules stand in the order of their ids, as Envoy keeps them. */
export class Policies {
  private readonly denying: NamedRule[] = [];
  private readonly allowing: NamedRule[] = [];
  private hasAllow: bool = false;

  add(policy: Policy): void {
    if (!policy.deny) this.hasAllow = true;
    const list = policy.deny ? this.denying : this.allowing;
    for (let i = 0; i < policy.rules.length; i++) {
      list.push(new NamedRule(`${policy.id}-rule[${i.toString()}]`, policy.rules[i]));
    }
    list.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }

  get empty(): bool {
    return !this.hasAllow && this.denying.length == 0;
  }

  /** Null = allowed; else the id of the rule that denies, or `none` when no ALLOW rule matches. */
  denial(request: RequestFacts): string | null {
    for (let i = 0; i < this.denying.length; i++) {
      if (this.denying[i].rule.matches(request)) return this.denying[i].id;
    }
    if (!this.hasAllow) return null;
    for (let i = 0; i < this.allowing.length; i++) if (this.allowing[i].rule.matches(request)) return null;
    return "none";
  }
}
