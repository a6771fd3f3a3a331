import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { attributeMatch, isAttribute, isHttpOnly, isIdentity } from "./attributes";
import { AllOf, AnyOf, Matcher, Not } from "./matcher";
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
  read(json: JsonValue, path: string): Matcher | null {
    const fields = this.terms.fields;
    if (!fields.object(json, path, ["from", "to", "when"])) return null;
    this.dropped = false;
    const parts: Matcher[] = [];
    this.side(json.get("from"), `${path}.from`, "source", SOURCE, SOURCE_KEYS, parts);
    this.side(json.get("to"), `${path}.to`, "operation", OPERATION, OPERATION_KEYS, parts);
    const when = fields.list(json.get("when"), `${path}.when`);
    for (let i = 0; i < when.length; i++) this.condition(when[i], `${path}.when[${i}]`, parts);
    if (this.dropped) {
      this.terms.warnings.push(`${path}: left out, as it asks for what only HTTP has`);
      return null;
    }
    return new AllOf(parts);
  }

  /** A list of objects, each with the one member `member`. */
  private side(
    json: JsonValue | null,
    path: string,
    member: string,
    known: string[],
    keys: string[],
    into: Matcher[],
  ): void {
    if (json == null) return;
    const fields = this.terms.fields;
    const names = known.concat(known.map<string>((name) => negated(name)));
    const alternatives: Matcher[] = [];
    const items = fields.list(json, path);
    if (items.length == 0) fields.fail(path, "must not be empty");
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      const at = `${path}[${i}]`;
      if (!fields.object(item, at, [member])) continue;
      const inner = item.get(member);
      const where = `${at}.${member}`;
      if (inner == null || !fields.object(inner, where, names)) {
        fields.fail(where, "missing");
        continue;
      }
      if (inner.keys.length == 0) fields.fail(where, "must not be empty");
      this.checkAccounts(inner, where);
      const all: Matcher[] = [];
      for (let k = 0; k < inner.keys.length; k++) {
        const name = inner.keys[k];
        const isNot = !known.includes(name);
        const key = keys[names.indexOf(name) % known.length];
        this.values(key, isNot, inner.items[k], `${where}.${name}`, `${member}.${name}`, all);
      }
      alternatives.push(new AllOf(all));
    }
    into.push(new AnyOf(alternatives));
  }

  private checkAccounts(source: JsonValue, path: string): void {
    const fields = this.terms.fields;
    for (let i = 0; i < 2; i++) {
      const name = i == 0 ? "serviceAccounts" : "notServiceAccounts";
      const accounts = source.get(name);
      if (accounts == null) continue;
      if (accounts.items.length > MOST_ACCOUNTS)
        fields.fail(`${path}.${name}`, "at most 16 service accounts");
      for (let k = 0; k < source.keys.length; k++) {
        const key = source.keys[k];
        if (key.endsWith("rincipals") && !key.endsWith("equestPrincipals"))
          fields.fail(`${path}.${name}`, "not beside principals");
        if (key.endsWith("amespaces")) fields.fail(`${path}.${name}`, "not beside namespaces");
      }
    }
  }

  /** One entry of `when`: its values, its notValues, or both. */
  private condition(json: JsonValue, path: string, into: Matcher[]): void {
    const fields = this.terms.fields;
    if (!fields.object(json, path, ["key", "values", "notValues"])) return;
    const key = fields.text(json.get("key"), `${path}.key`);
    if (!isAttribute(key)) {
      fields.fail(`${path}.key`, `"${key}" is unknown or not supported`);
      return;
    }
    const values = json.get("values");
    const notValues = json.get("notValues");
    if (values == null && notValues == null) fields.fail(path, "needs values or notValues");
    if (values != null) this.values(key, false, values, `${path}.values`, `${key} values`, into);
    if (notValues != null) this.values(key, true, notValues, `${path}.notValues`, `${key} notValues`, into);
  }

  private values(
    key: string,
    isNot: bool,
    json: JsonValue,
    path: string,
    label: string,
    into: Matcher[],
  ): void {
    const terms = this.terms;
    const texts = terms.fields.texts(json, path);
    if (texts.length == 0) terms.fields.fail(path, "must not be empty");
    if (this.isCustom && isIdentity(key)) terms.fields.fail(path, "a CUSTOM rule cannot ask who somebody is");
    const any: Matcher[] = [];
    for (let i = 0; i < texts.length; i++) {
      const at = `${path}[${i}]`;
      if (texts[i] == "") terms.fields.fail(at, "must not be empty");
      any.push(attributeMatch(terms, key, texts[i], at, this.namespace));
    }
    if (terms.tcp && isHttpOnly(key)) {
      if (this.isAllow) this.dropped = true;
      else terms.warnings.push(`${path}: ignored, as only HTTP has it: the rule matches more connections`);
      return;
    }
    const matcher = new AnyOf(any);
    into.push(terms.field(`${label} [${texts.join(", ")}]`, isNot ? new Not(matcher) : matcher));
  }
}

function negated(name: string): string {
  return `not${name.charAt(0).toUpperCase()}${name.substring(1)}`;
}
