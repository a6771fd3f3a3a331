import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { readJwtRules } from "./jwt/config";
import { JwtRule } from "./jwt/rule";
import { readMetadata } from "./metadata";
import { Policies, Rule } from "./policy";
import { readFrom, readTo, readWhen } from "./rule-fields";

/** Reads `{"policies": [AuthorizationPolicy, ...], "jwtRules": [JWTRule, ...]}`; null = good, else what is wrong and where. */
export function readConfig(text: string, policies: Policies, jwtRules: JwtRule[]): string | null {
  const fields = new Fields();
  const root = fields.parse(text, ["policies", "jwtRules"]);
  if (root != null) {
    const rules = readJwtRules(fields, root.get("jwtRules"), "jwtRules");
    for (let i = 0; i < rules.length; i++) jwtRules.push(rules[i]);
    if (root.get("policies") == null && rules.length == 0) fields.fail("policies", "missing");
    const list = fields.list(root.get("policies"), "policies");
    const ids: string[] = [];
    for (let i = 0; i < list.length; i++) readPolicy(fields, list[i], `policies[${i}]`, policies, ids);
    policies.sort();
  }
  return fields.error == "" ? null : fields.error;
}

function readPolicy(fields: Fields, json: JsonValue, path: string, policies: Policies, ids: string[]): void {
  if (!fields.object(json, path, ["apiVersion", "kind", "metadata", "spec", "status"])) return;
  const version = fields.textOr(json, "apiVersion", path, "security.istio.io/v1");
  if (!version.startsWith("security.istio.io/")) {
    fields.fail(`${path}.apiVersion`, "expected security.istio.io/...");
  }
  const kind = fields.textOr(json, "kind", path, "AuthorizationPolicy");
  if (kind != "AuthorizationPolicy") fields.fail(`${path}.kind`, "expected AuthorizationPolicy");
  const id = readMetadata(fields, json.get("metadata"), `${path}.metadata`);
  if (ids.includes(id)) fields.fail(`${path}.metadata`, `a second policy of this name: ${id}`);
  ids.push(id);
  const spec = json.get("spec");
  // An absent spec is an empty one: ALLOW without rules, which denies everything.
  if (spec == null) policies.hasAllow = true;
  else readSpec(fields, spec, `${path}.spec`, id, policies);
}

function readSpec(fields: Fields, json: JsonValue, path: string, id: string, policies: Policies): void {
  if (!fields.object(json, path, ["action", "rules"])) return;
  const action = fields.textOr(json, "action", path, "ALLOW");
  const deny = action == "DENY";
  if (!deny && action != "ALLOW") {
    fields.fail(`${path}.action`, `"${action}" is not supported (known: ALLOW, DENY)`);
  }
  const rules = fields.list(json.get("rules"), `${path}.rules`);
  if (deny && rules.length == 0)
    fields.fail(`${path}.rules`, "a DENY policy without rules would deny nothing");
  if (!deny) policies.hasAllow = true;
  const into = deny ? policies.deny : policies.allow;
  for (let i = 0; i < rules.length; i++) {
    into.push(readRule(fields, rules[i], `${path}.rules[${i}]`, `${id}-rule[${i}]`));
  }
}

function readRule(fields: Fields, json: JsonValue, path: string, id: string): Rule {
  const rule = new Rule(id);
  if (!fields.object(json, path, ["from", "to", "when"])) return rule;
  rule.from = readFrom(fields, json.get("from"), `${path}.from`);
  rule.to = readTo(fields, json.get("to"), `${path}.to`);
  const when = fields.list(json.get("when"), `${path}.when`);
  for (let i = 0; i < when.length; i++) readWhen(fields, when[i], `${path}.when[${i}]`, rule.when);
  return rule;
}
