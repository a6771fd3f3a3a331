import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { Engine, Ruling, Verb } from "./engine";
import { RuleReader } from "./istio-rule";
import { Metadata, readMetadata } from "./metadata";
import { Rule, RuleSet } from "./rule-set";
import { Terms } from "./terms";

/** Policies of one action: those that count, and those only tried. Null without any. */
class Action {
  enforced: RuleSet | null = null;
  tried: RuleSet | null = null;

  constructor(
    readonly name: string,
    readonly verb: Verb,
    readonly trialPrefix: string,
  ) {}

  rules(dryRun: bool): RuleSet {
    let rules = dryRun ? this.tried : this.enforced;
    if (rules != null) return rules;
    rules = new RuleSet();
    if (dryRun) this.tried = rules;
    else this.enforced = rules;
    return rules;
  }

  engine(terms: Terms, base: string): Engine | null {
    const tried = this.tried;
    const enforced = this.enforced;
    if (tried == null && enforced == null) return null;
    return new Engine(
      tried == null ? null : ruling(terms, this.verb, tried, base, this.trialPrefix, true),
      enforced == null ? null : ruling(terms, this.verb, enforced, base, "", false),
    );
  }
}

export function ruling(
  terms: Terms,
  verb: Verb,
  rules: RuleSet,
  base: string,
  prefix: string,
  trial: bool,
): Ruling {
  rules.prepare(terms.sources);
  return new Ruling(verb, rules, base, prefix, trial);
}

/** Reads Istio's AuthorizationPolicy objects and sorts their rules by action. */
export class Policies {
  /** In the order they are asked. */
  private readonly actions: Action[] = [
    new Action("AUDIT", Verb.Log, ""),
    new Action("DENY", Verb.Deny, "istio_dry_run_deny_"),
    new Action("ALLOW", Verb.Allow, "istio_dry_run_allow_"),
  ];
  private readonly ids: string[] = [];

  constructor(private readonly terms: Terms) {}

  read(json: JsonValue, path: string): void {
    const fields = this.terms.fields;
    if (!fields.object(json, path, ["apiVersion", "kind", "metadata", "spec", "status"])) return;
    const version = fields.textOr(json, "apiVersion", path, "security.istio.io/v1");
    if (!version.startsWith("security.istio.io/")) {
      fields.fail(`${path}.apiVersion`, "expected security.istio.io/...");
    }
    const kind = fields.textOr(json, "kind", path, "AuthorizationPolicy");
    if (kind != "AuthorizationPolicy") fields.fail(`${path}.kind`, "expected AuthorizationPolicy");
    const metadata = readMetadata(fields, json.get("metadata"), `${path}.metadata`);
    if (this.ids.includes(metadata.id)) {
      fields.fail(`${path}.metadata`, `a second policy of this name: ${metadata.id}`);
    }
    this.ids.push(metadata.id);
    const spec = json.get("spec");
    // An absent spec is an empty one: ALLOW without rules, which denies everything.
    if (spec == null) this.action("ALLOW").rules(metadata.dryRun);
    else this.readSpec(spec, `${path}.spec`, metadata);
  }

  private action(name: string): Action {
    for (let i = 0; i < this.actions.length; i++) if (this.actions[i].name == name) return this.actions[i];
    return this.actions[0];
  }

  private readSpec(json: JsonValue, path: string, metadata: Metadata): void {
    const fields = this.terms.fields;
    if (!fields.object(json, path, ["action", "rules"])) return;
    const name = fields.textOr(json, "action", path, "ALLOW");
    const action = this.action(name);
    if (action.name != name) {
      fields.fail(`${path}.action`, `"${name}" is not supported (known: ALLOW, DENY, AUDIT)`);
    }
    const rules = fields.list(json.get("rules"), `${path}.rules`);
    if (name == "DENY" && rules.length == 0)
      fields.fail(`${path}.rules`, "a DENY policy without rules would deny nothing");
    const reader = new RuleReader(this.terms, metadata.namespace, name == "ALLOW", false);
    const into = action.rules(metadata.dryRun);
    for (let i = 0; i < rules.length; i++) {
      const matcher = reader.read(rules[i], `${path}.rules[${i}]`);
      if (matcher != null) into.add(new Rule(`${metadata.id}-rule[${i}]`, matcher));
    }
  }

  /** What is to be asked, once everything has been read. */
  engines(base: string): Engine[] {
    const engines: Engine[] = [];
    for (let i = 0; i < this.actions.length; i++) {
      const engine = this.actions[i].engine(this.terms, base);
      if (engine != null) engines.push(engine);
    }
    return engines;
  }
}
