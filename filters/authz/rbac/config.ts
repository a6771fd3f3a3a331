import { Engine, Ruling, Verb } from "../engine";
import { AllOf, AnyOf, Matcher } from "../matcher";
import { Place } from "../place";
import { Rule, RuleSet } from "../rule-set";
import { Terms } from "../terms";
import { readCondition } from "./cel";
import { ConditionReader } from "./condition";
import { useSnakeCase } from "./names";

const KNOWN: string[] = [
  "@type",
  "rules",
  "rules_stat_prefix",
  "shadow_rules",
  "shadow_rules_stat_prefix",
  "track_per_rule_stats",
];

/** As `Verb` numbers them. */
const VERBS: string[] = ["ALLOW", "DENY", "LOG"];

/** Rules as they were read; nothing is counted until everything has been. */
class Rules {
  constructor(
    readonly verb: Verb,
    readonly set: RuleSet,
    readonly prefix: string,
    readonly each: bool,
  ) {}

  ruling(terms: Terms, base: string, trial: bool): Ruling {
    this.set.prepare(terms.sources);
    return new Ruling(this.verb, this.set, base, this.prefix, trial, this.each);
  }
}

/** Envoy's RBAC filters in JSON: one, or a list of them in the order they are asked. */
export class RbacReader {
  private readonly rules: (Rules | null)[] = [];
  private readonly shadow: (Rules | null)[] = [];

  constructor(private readonly terms: Terms) {}

  read(place: Place): void {
    const json = place.json;
    if (json == null) return;
    useSnakeCase(json);
    if (!json.isList) {
      this.readOne(place);
      return;
    }
    const list = place.list();
    for (let i = 0; i < list.length; i++) this.readOne(list[i]);
  }

  /** What is to be asked, once everything has been read. */
  addEngines(into: Engine[], base: string): void {
    for (let i = 0; i < this.rules.length; i++) {
      const rules = this.rules[i];
      const shadow = this.shadow[i];
      if (rules == null && shadow == null) continue;
      into.push(
        new Engine(
          shadow == null ? null : shadow.ruling(this.terms, base, true),
          rules == null ? null : rules.ruling(this.terms, base, false),
        ),
      );
    }
  }

  private readOne(place: Place): void {
    if (!place.isObject(KNOWN)) return;
    const each = place.at("track_per_rule_stats").flag();
    this.rules.push(this.readRules(place.at("rules"), place.at("rules_stat_prefix"), each));
    this.shadow.push(this.readRules(place.at("shadow_rules"), place.at("shadow_rules_stat_prefix"), each));
  }

  private readRules(place: Place, prefix: Place, each: bool): Rules | null {
    if (place.isMissing || !place.isObject(["action", "policies"])) return null;
    const action = place.at("action");
    const verb = VERBS.indexOf(action.textOr("ALLOW"));
    if (verb < 0) action.fail("expected ALLOW, DENY or LOG");
    const set = new RuleSet();
    const policies = place.at("policies");
    const json = policies.json;
    if (json != null && place.fields.isObject(json, policies.path)) {
      for (let i = 0; i < json.keys.length; i++)
        this.readPolicy(policies.at(json.keys[i]), json.keys[i], set);
    }
    return new Rules(verb, set, prefix.textOr(""), each);
  }

  private readPolicy(place: Place, id: string, into: RuleSet): void {
    if (!place.isObject(["permissions", "principals", "condition"])) return;
    const permissions = new ConditionReader(this.terms, false).all(place.at("permissions"));
    const principals = new ConditionReader(this.terms, true).all(place.at("principals"));
    const parts: Matcher[] = [new AnyOf(permissions), new AnyOf(principals)];
    const condition = place.at("condition");
    if (!condition.isMissing) {
      const matcher = readCondition(condition);
      if (matcher != null) parts.push(this.terms.field(condition.path, matcher));
    }
    into.add(new Rule(id, new AllOf(parts)));
  }
}
