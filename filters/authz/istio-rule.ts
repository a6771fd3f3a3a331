import { attributeMatch, isAttribute, isHttpOnly, isIdentity } from "./attributes";
import { AllOf, AnyOf, Matcher, Not } from "./matcher";
import { Place } from "./place";
import { Terms } from "./terms";

/** Fields of `source` and `operation`, and the attribute each is about. */
const SOURCE: string[] = [
  "principals",
  "requestPrincipals",
  "namespaces",
  "serviceAccounts",
  "trustDomains",
  "ipBlocks",
  "remoteIpBlocks",
];
const SOURCE_KEYS: string[] = [
  "source.principal",
  "request.auth.principal",
  "source.namespace",
  "source.serviceAccount",
  "source.trustDomain",
  "source.ip",
  "remote.ip",
];
const OPERATION: string[] = ["hosts", "ports", "methods", "paths"];
const OPERATION_KEYS: string[] = ["hosts", "destination.port", "methods", "paths"];

const MOST_ACCOUNTS = 16;

/** Reads one rule of a policy: any `from`, any `to` and all of `when`. */
export class RuleReader {
  /** An ALLOW rule for connections that needs HTTP: Istio leaves it out, so that less is allowed. */
  private dropped: bool = false;

  constructor(
    private readonly terms: Terms,
    private readonly namespace: string,
    private readonly isAllow: bool,
    private readonly isCustom: bool,
  ) {}

  /** Null = the rule says nothing about connections. */
  read(rule: Place): Matcher | null {
    if (!rule.isObject(["from", "to", "when"])) return null;
    this.dropped = false;
    const parts: Matcher[] = [];
    this.side(rule.at("from"), "source", SOURCE, SOURCE_KEYS, parts);
    this.side(rule.at("to"), "operation", OPERATION, OPERATION_KEYS, parts);
    const when = rule.at("when").list();
    for (let i = 0; i < when.length; i++) this.condition(when[i], parts);
    if (!this.dropped) return new AllOf(parts);
    this.terms.warnings.push(`${rule.path}: left out, as it asks for what only HTTP has`);
    return null;
  }

  /** A list of objects, each with the one member `member`. */
  private side(place: Place, member: string, known: string[], keys: string[], into: Matcher[]): void {
    if (place.isMissing) return;
    const names = known.concat(known.map<string>((name) => negated(name)));
    const alternatives: Matcher[] = [];
    const items = place.some();
    for (let i = 0; i < items.length; i++) {
      const inner = items[i].at(member);
      if (!items[i].isObject([member])) continue;
      if (inner.isMissing) inner.fail("missing");
      if (!inner.isObject(names)) continue;
      const fields = inner.keys;
      if (fields.length == 0) inner.fail("must not be empty");
      checkAccounts(inner);
      const all: Matcher[] = [];
      for (let k = 0; k < fields.length; k++) {
        const name = fields[k];
        const key = keys[names.indexOf(name) % known.length];
        this.values(key, !known.includes(name), inner.at(name), `${member}.${name}`, all);
      }
      alternatives.push(new AllOf(all));
    }
    into.push(new AnyOf(alternatives));
  }

  /** One entry of `when`: its values, its notValues, or both. */
  private condition(place: Place, into: Matcher[]): void {
    if (!place.isObject(["key", "values", "notValues"])) return;
    const key = place.at("key").text();
    if (!isAttribute(key)) {
      place.at("key").fail(`"${key}" is unknown or not supported`);
      return;
    }
    const values = place.at("values");
    const notValues = place.at("notValues");
    if (values.isMissing && notValues.isMissing) place.fail("needs values or notValues");
    if (!values.isMissing) this.values(key, false, values, `${key} values`, into);
    if (!notValues.isMissing) this.values(key, true, notValues, `${key} notValues`, into);
  }

  private values(key: string, isNot: bool, place: Place, label: string, into: Matcher[]): void {
    const terms = this.terms;
    const items = place.some();
    if (this.isCustom && isIdentity(key)) place.fail("a CUSTOM rule cannot ask who somebody is");
    const any: Matcher[] = [];
    const texts: string[] = [];
    for (let i = 0; i < items.length; i++) {
      texts.push(items[i].word());
      any.push(attributeMatch(terms, key, texts[i], items[i].path, this.namespace));
    }
    if (terms.tcp && isHttpOnly(key)) {
      if (this.isAllow) this.dropped = true;
      else
        terms.warnings.push(`${place.path}: ignored, as only HTTP has it: the rule matches more connections`);
      return;
    }
    const matcher = new AnyOf(any);
    into.push(terms.field(`${label} [${texts.join(", ")}]`, isNot ? new Not(matcher) : matcher));
  }
}

/** Service accounts say more exactly what principals and namespaces say: Istio takes one or the other. */
function checkAccounts(source: Place): void {
  const keys = source.keys;
  for (let i = 0; i < keys.length; i++) {
    const accounts = source.at(keys[i]);
    const json = accounts.json;
    if (json == null || !keys[i].endsWith("erviceAccounts")) continue;
    if (json.items.length > MOST_ACCOUNTS) accounts.fail("at most 16 service accounts");
    for (let k = 0; k < keys.length; k++) {
      const other = keys[k];
      if (other == "principals" || other == "notPrincipals" || other.endsWith("amespaces")) {
        accounts.fail("not beside principals or namespaces");
      }
    }
  }
}

function negated(name: string): string {
  // A letter's capital by hand: the library's has tables for all of Unicode.
  return `not${String.fromCharCode(name.charCodeAt(0) - 32)}${name.substring(1)}`;
}
