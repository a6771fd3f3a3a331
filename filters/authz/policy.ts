import { allHold, Condition } from "./conditions";
import { RequestFacts } from "./request";

/** Any `from` and any `to` and all of `when`; an absent part (null) holds always. */
export class Rule {
  from: Condition[][] | null = null;
  to: Condition[][] | null = null;
  readonly when: Condition[] = [];

  constructor(readonly id: string) {}

  matches(request: RequestFacts): bool {
    return anyHolds(this.from, request) && anyHolds(this.to, request) && allHold(this.when, request);
  }
}

function anyHolds(alternatives: Condition[][] | null, request: RequestFacts): bool {
  if (alternatives == null) return true;
  for (let i = 0; i < alternatives.length; i++) if (allHold(alternatives[i], request)) return true;
  return false;
}

/** The rules of all policies, by action, in the order of their ids as Envoy keeps them: the first that matches is named. */
export class Policies {
  readonly deny: Rule[] = [];
  readonly allow: Rule[] = [];
  /** Is there an ALLOW policy, be it without rules? Then what none of its rules matches is denied. */
  hasAllow: bool = false;

  sort(): void {
    this.deny.sort(byId);
    this.allow.sort(byId);
  }

  /** With no policy at all everything passes. */
  get isEmpty(): bool {
    return !this.hasAllow && this.deny.length == 0;
  }

  /** Null = allowed; else the id of the rule that denies, or `none` when no ALLOW rule matches. */
  denial(request: RequestFacts): string | null {
    for (let i = 0; i < this.deny.length; i++) if (this.deny[i].matches(request)) return this.deny[i].id;
    if (!this.hasAllow) return null;
    for (let i = 0; i < this.allow.length; i++) if (this.allow[i].matches(request)) return null;
    return "none";
  }
}

function byId(a: Rule, b: Rule): i32 {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
