import { isLogging, LogLevel, logDebug, Pairs } from "proxy-wasm-toolkit/sdk";
import { Check } from "./custom/check";
import { readProviders } from "./custom/provider";
import { Engine } from "./engine";
import { Explainer } from "./explain";
import { Facts } from "./facts";
import { readJwtRules } from "./jwt/config";
import { JwtRule } from "./jwt/rule";
import { Place } from "./place";
import { Policies } from "./policies";
import { RbacReader } from "./rbac/config";
import { Terms } from "./terms";

const KNOWN: string[] = [
  "policies",
  "rbac",
  "jwtRules",
  "trustDomain",
  "trustDomainAliases",
  "extensionProviders",
  "explain",
];

/** What a configuration says, ready to be asked. */
export class Config {
  checks: Check[] = [];
  jwtRules: JwtRule[] = [];
  engines: Engine[] = [];
  explainer: Explainer | null = null;
  /** How many attributes its rules ask for. */
  sources: i32 = 0;
  /** It could not be read after all. */
  broken: bool = false;

  /** Writes an explanation into the log at debug level, if one is wanted; answers the header for a denial. */
  explain(facts: Facts): Pairs | null {
    const explainer = this.explainer;
    if (explainer == null || (explainer.header == "" && !isLogging(LogLevel.Debug))) return null;
    const text = explainer.explain(this.engines, facts);
    logDebug(text);
    return explainer.header == "" ? null : new Pairs().add(explainer.header, text);
  }
}

/** Reads a configuration into `config`; null = good, else what is wrong and where. `base` is how metrics begin. */
export function readConfig(text: string, config: Config, terms: Terms, base: string): string | null {
  const fields = terms.fields;
  const root = fields.parse(text, KNOWN);
  if (root != null) read(new Place(fields, root, ""), config, terms, base);
  return fields.error == "" ? null : fields.error;
}

function read(root: Place, config: Config, terms: Terms, base: string): void {
  readTrustDomains(root, terms);
  config.explainer = Explainer.read(root.at("explain"), terms.sources);
  terms.explain = config.explainer != null;
  const tokens = root.at("jwtRules");
  const rbac = root.at("rbac");
  const list = root.at("policies");
  config.jwtRules = readJwtRules(root.fields, tokens.json, tokens.path);
  if (list.isMissing && rbac.isMissing && config.jwtRules.length == 0) list.fail("missing");
  const policies = new Policies(terms, readProviders(root.at("extensionProviders")));
  const items = list.list();
  for (let i = 0; i < items.length; i++) policies.read(items[i]);
  const native = new RbacReader(terms);
  native.read(rbac);
  if (root.fields.error != "") return;
  config.sources = terms.sources.all.length;
  // Providers of this kind speak HTTP only: Istio does not ask them of connections.
  if (!terms.tcp) config.checks = policies.checks(base);
  config.engines = policies.engines(base);
  native.addEngines(config.engines, base);
}

function readTrustDomains(root: Place, terms: Terms): void {
  const own = root.at("trustDomain");
  const all = [own.isMissing ? "cluster.local" : own.word()];
  const aliases = root.at("trustDomainAliases").list();
  for (let i = 0; i < aliases.length; i++) all.push(aliases[i].word());
  terms.trustDomains = all;
}
