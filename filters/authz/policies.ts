import { Check } from "./custom/check";
import { Provider } from "./custom/provider";
import { Engine, Ruling, Verb } from "./engine";
import { RuleReader } from "./istio-rule";
import { Metadata, readMetadata } from "./metadata";
import { Place } from "./place";
import { Rule, RuleSet } from "./rule-set";
import { isSelected } from "./selector";
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

/** CUSTOM policies of one provider. */
class Custom {
  readonly rules: RuleSet = new RuleSet();

  constructor(readonly provider: Provider) {}
}

const BAD_PROVIDER = "-deny-due-to-bad-CUSTOM-action";

/** Reads Istio's AuthorizationPolicy objects and sorts their rules by action. */
export class Policies {
  /** In the order they are asked. */
  private readonly actions: Action[] = [
    new Action("AUDIT", Verb.Log, ""),
    new Action("DENY", Verb.Deny, "istio_dry_run_deny_"),
    new Action("ALLOW", Verb.Allow, "istio_dry_run_allow_"),
  ];
  private readonly ids: string[] = [];
  private readonly customs: Custom[] = [];

  /** CUSTOM policies name one of the `providers`. */
  constructor(
    private readonly terms: Terms,
    providers: Provider[],
  ) {
    for (let i = 0; i < providers.length; i++) this.customs.push(new Custom(providers[i]));
  }

  read(place: Place): void {
    if (!place.isObject(["apiVersion", "kind", "metadata", "spec", "status"])) return;
    const version = place.at("apiVersion");
    if (!version.textOr("security.istio.io/").startsWith("security.istio.io/")) {
      version.fail("expected security.istio.io/...");
    }
    const kind = place.at("kind");
    if (kind.textOr("AuthorizationPolicy") != "AuthorizationPolicy")
      kind.fail("expected AuthorizationPolicy");
    const metadata = readMetadata(place.at("metadata"));
    if (this.ids.includes(metadata.id)) {
      place.at("metadata").fail(`a second policy of this name: ${metadata.id}`);
    }
    this.ids.push(metadata.id);
    const spec = place.at("spec");
    // An absent spec is an empty one: ALLOW without rules, which denies everything.
    if (spec.isMissing) this.action("ALLOW").rules(metadata.dryRun);
    else if (spec.isObject(["action", "rules", "provider", "selector"])) this.readSpec(spec, metadata);
  }

  private action(name: string): Action {
    for (let i = 0; i < this.actions.length; i++) if (this.actions[i].name == name) return this.actions[i];
    return this.actions[0];
  }

  private readSpec(spec: Place, metadata: Metadata): void {
    const action = spec.at("action");
    const name = action.textOr("ALLOW");
    const isCustom = name == "CUSTOM";
    if (!isCustom && this.action(name).name != name) {
      action.fail(`"${name}" is not supported (known: ALLOW, DENY, AUDIT, CUSTOM)`);
    }
    const rules = spec.at("rules").list();
    if ((isCustom || name == "DENY") && rules.length == 0) {
      spec.at("rules").fail(`a ${name} policy without rules would do nothing`);
    }
    const provider = spec.at("provider");
    if (!isCustom && !provider.isMissing) provider.fail("is for CUSTOM only");
    const custom = isCustom ? this.custom(provider) : null;
    // Nobody to ask: what would have been asked is denied.
    const suffix = isCustom && custom == null ? BAD_PROVIDER : "";
    const dryRun = !isCustom && metadata.dryRun;
    let into = new RuleSet();
    // Policies for other proxies are read, too: what is wrong with them is said everywhere.
    if (isSelected(spec.at("selector"))) {
      into = custom != null ? custom.rules : this.action(isCustom ? "DENY" : name).rules(dryRun);
    }
    const reader = new RuleReader(this.terms, metadata.namespace, name == "ALLOW", isCustom);
    for (let i = 0; i < rules.length; i++) {
      const matcher = reader.read(rules[i]);
      if (matcher != null) into.add(new Rule(`${metadata.id}-rule[${i}]${suffix}`, matcher));
    }
  }

  /** Null = there is no such provider. */
  private custom(place: Place): Custom | null {
    if (!place.isObject(["name"])) return null;
    const name = place.at("name").word();
    for (let i = 0; i < this.customs.length; i++) {
      if (this.customs[i].provider.name == name) return this.customs[i];
    }
    this.terms.warnings.push(`${place.path}.name: no provider ${name}: what its rules match is denied`);
    return null;
  }

  /** Who else is to be asked before, once everything has been read. */
  checks(base: string): Check[] {
    const checks: Check[] = [];
    for (let i = 0; i < this.customs.length; i++) {
      const custom = this.customs[i];
      if (custom.rules.rules.length == 0) continue;
      const found = ruling(this.terms, Verb.Deny, custom.rules, base, "istio_ext_authz_", true);
      checks.push(new Check(custom.provider, found));
    }
    return checks;
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
