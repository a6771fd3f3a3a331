import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { Engine } from "./engine";
import { readJwtRules } from "./jwt/config";
import { JwtRule } from "./jwt/rule";
import { Place } from "./place";
import { Policies } from "./policies";
import { RbacReader } from "./rbac/config";
import { Terms } from "./terms";

const KNOWN: string[] = ["policies", "rbac", "jwtRules", "trustDomain", "trustDomainAliases"];

/** What a configuration says, ready to be asked. */
export class Config {
  jwtRules: JwtRule[] = [];
  engines: Engine[] = [];
  /** How many attributes its rules ask for. */
  sources: i32 = 0;
}

/** Reads a configuration into `config`; null = good, else what is wrong and where. `base` is how metrics begin. */
export function readConfig(text: string, config: Config, terms: Terms, base: string): string | null {
  const fields = terms.fields;
  const root = fields.parse(text, KNOWN);
  if (root != null) read(root, config, terms, base);
  return fields.error == "" ? null : fields.error;
}

function read(root: JsonValue, config: Config, terms: Terms, base: string): void {
  const fields = terms.fields;
  readTrustDomains(root, terms);
  config.jwtRules = readJwtRules(fields, root.get("jwtRules"), "jwtRules");
  const rbac = root.get("rbac");
  if (root.get("policies") == null && rbac == null && config.jwtRules.length == 0)
    fields.fail("policies", "missing");
  const list = fields.list(root.get("policies"), "policies");
  const policies = new Policies(terms);
  for (let i = 0; i < list.length; i++) policies.read(list[i], `policies[${i}]`);
  const native = new RbacReader(terms);
  native.read(new Place(fields, rbac, "rbac"));
  if (fields.error != "") return;
  config.sources = terms.sources.all.length;
  config.engines = policies.engines(base);
  native.addEngines(config.engines, base);
}

function readTrustDomains(root: JsonValue, terms: Terms): void {
  const fields = terms.fields;
  const own = root.get("trustDomain");
  const domain = own == null ? "cluster.local" : fields.text(own, "trustDomain");
  if (domain == "") fields.fail("trustDomain", "must not be empty");
  const aliases = fields.texts(root.get("trustDomainAliases"), "trustDomainAliases");
  for (let i = 0; i < aliases.length; i++) {
    if (aliases[i] == "") fields.fail(`trustDomainAliases[${i}]`, "must not be empty");
  }
  terms.trustDomains = [domain].concat(aliases);
}
