import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue, parseJson } from "proxy-wasm-toolkit/sdk/text/json";
import { Condition, Subject } from "./conditions";
import { Policies, Policy, Rule } from "./policy";

const SOURCE: string[] = ["ipBlocks", "notIpBlocks"];
const OPERATION: string[] = [
  "hosts",
  "notHosts",
  "ports",
  "notPorts",
  "methods",
  "notMethods",
  "paths",
  "notPaths",
];

/** Reads `{"policies": [AuthorizationPolicy, ...]}` into `policies`; null = good, else what is wrong and where. */
export function readConfig(text: string, policies: Policies): string | null {
  const parsed = parseJson(text);
  const root = parsed.value;
  if (root == null) return parsed.error;
  const fields = new Fields();
  if (fields.object(root, "", ["policies"])) {
    if (root.get("policies") == null) fields.fail("policies", "missing");
    const list = fields.list(root.get("policies"), "policies");
    for (let i = 0; i < list.length; i++) {
      const policy = readPolicy(fields, list[i], `policies[${i.toString()}]`);
      if (policy != null) policies.add(policy);
    }
  }
  return fields.error == "" ? null : fields.error;
}

function readPolicy(fields: Fields, json: JsonValue, path: string): Policy | null {
  if (!fields.object(json, path, ["apiVersion", "kind", "metadata", "spec"])) return null;
  const metadata = json.get("metadata");
  const at = `${path}.metadata`;
  if (metadata == null || !fields.object(metadata, at, ["name", "namespace", "labels"])) {
    fields.fail(at, "needs name and namespace");
    return null;
  }
  const name = fields.text(metadata.get("name"), `${at}.name`);
  const namespace = fields.text(metadata.get("namespace"), `${at}.namespace`);
  const policy = new Policy(`ns[${namespace}]-policy[${name}]`);
  const spec = json.get("spec");
  // An absent spec is an empty one: ALLOW without rules, which denies everything.
  if (spec != null) readSpec(fields, spec, `${path}.spec`, policy);
  return policy;
}

function readSpec(fields: Fields, json: JsonValue, path: string, policy: Policy): void {
  if (!fields.object(json, path, ["action", "rules"])) return;
  const action = fields.optionalText(json, "action", path);
  if (action == "DENY") policy.deny = true;
  else if (action != "" && action != "ALLOW") fields.fail(`${path}.action`, "expected ALLOW or DENY");
  const rules = fields.list(json.get("rules"), `${path}.rules`);
  if (policy.deny && rules.length == 0)
    fields.fail(`${path}.rules`, "a DENY policy without rules denies nothing");
  for (let i = 0; i < rules.length; i++) {
    policy.rules.push(readRule(fields, rules[i], `${path}.rules[${i.toString()}]`));
  }
}

function readRule(fields: Fields, json: JsonValue, path: string): Rule {
  const rule = new Rule();
  if (!fields.object(json, path, ["from", "to", "when"])) return rule;
  rule.from = readSide(fields, json.get("from"), `${path}.from`, "source", SOURCE);
  rule.to = readSide(fields, json.get("to"), `${path}.to`, "operation", OPERATION);
  const when = fields.list(json.get("when"), `${path}.when`);
  for (let i = 0; i < when.length; i++) readWhen(fields, when[i], `${path}.when[${i.toString()}]`, rule.when);
  return rule;
}

/** `from` or `to`: a list of objects with one member; null = absent, which holds always. */
function readSide(
  fields: Fields,
  json: JsonValue | null,
  path: string,
  member: string,
  known: string[],
): Condition[][] | null {
  if (json == null) return null;
  const alternatives: Condition[][] = [];
  const items = fields.list(json, path);
  if (items.length == 0) fields.fail(path, "must not be empty");
  for (let i = 0; i < items.length; i++) {
    const at = `${path}[${i.toString()}]`;
    if (!fields.object(items[i], at, [member])) continue;
    const inner = items[i].get(member);
    if (inner == null || !fields.object(inner, `${at}.${member}`, known)) {
      fields.fail(`${at}.${member}`, "missing");
      continue;
    }
    const conditions: Condition[] = [];
    if (inner.keys.length == 0) fields.fail(`${at}.${member}`, "must not be empty");
    for (let k = 0; k < inner.keys.length; k++) {
      const key = inner.keys[k];
      const where = `${at}.${member}.${key}`;
      conditions.push(conditionOf(key).read(fields, fields.texts(inner.items[k], where), where));
    }
    alternatives.push(conditions);
  }
  return alternatives;
}

function conditionOf(key: string): Condition {
  const negated = key.startsWith("not");
  const name = negated ? key.substring(3).toLowerCase() : key.toLowerCase();
  let subject = Subject.Path;
  if (name == "ipblocks") subject = Subject.SourceIp;
  else if (name == "hosts") subject = Subject.Host;
  else if (name == "ports") subject = Subject.DestinationPort;
  else if (name == "methods") subject = Subject.Method;
  return new Condition(subject, negated);
}

function readWhen(fields: Fields, json: JsonValue, path: string, into: Condition[]): void {
  if (!fields.object(json, path, ["key", "values", "notValues"])) return;
  const key = fields.text(json.get("key"), `${path}.key`);
  let subject = Subject.Header;
  let header = "";
  if (key == "source.ip") subject = Subject.SourceIp;
  else if (key == "destination.ip") subject = Subject.DestinationIp;
  else if (key == "destination.port") subject = Subject.DestinationPort;
  else if (key.startsWith("request.headers[") && key.endsWith("]") && key.length > 17) {
    header = key.substring(16, key.length - 1).toLowerCase();
  } else fields.fail(`${path}.key`, `unknown or unsupported key "${key}"`);
  const values = json.get("values");
  const notValues = json.get("notValues");
  if (values == null && notValues == null) fields.fail(path, "needs values or notValues");
  if (values != null) {
    const at = `${path}.values`;
    into.push(new Condition(subject, false, header).read(fields, fields.texts(values, at), at));
  }
  if (notValues != null) {
    const at = `${path}.notValues`;
    into.push(new Condition(subject, true, header).read(fields, fields.texts(notValues, at), at));
  }
}
