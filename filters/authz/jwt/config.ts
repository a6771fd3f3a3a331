import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { Jwks } from "./jwks";
import { Outputs } from "./outputs";
import { JwtRule } from "./rule";
import { CookieSource, HeaderSource, ParameterSource, Source } from "./source";

const RULE: string[] = [
  "issuer",
  "audiences",
  "jwks",
  "fromHeaders",
  "fromParams",
  "fromCookies",
  "forwardOriginalToken",
  "outputPayloadToHeader",
  "outputClaimToHeaders",
];

/** Reads `jwtRules`, the list of an Istio RequestAuthentication; in the order of their issuers, as Istio sorts them. */
export function readJwtRules(fields: Fields, json: JsonValue | null, path: string): JwtRule[] {
  const rules: JwtRule[] = [];
  const list = fields.list(json, path);
  for (let i = 0; i < list.length; i++) {
    if (fields.object(list[i], `${path}[${i}]`, RULE)) rules.push(readRule(fields, list[i], `${path}[${i}]`));
  }
  return rules.sort((a, b) => (a.issuer < b.issuer ? -1 : a.issuer > b.issuer ? 1 : 0));
}

function readRule(fields: Fields, json: JsonValue, path: string): JwtRule {
  const rule = new JwtRule();
  rule.issuer = filled(fields, json.get("issuer"), `${path}.issuer`);
  const audiences = filledList(fields, json.get("audiences"), `${path}.audiences`);
  for (let i = 0; i < audiences.length; i++) rule.addAudience(audiences[i]);
  readSources(fields, json, path, rule.sources);
  const forward = json.get("forwardOriginalToken");
  if (forward != null) rule.forwardsToken = fields.bool(forward, `${path}.forwardOriginalToken`);
  readOutputs(fields, json, path, rule.outputs);
  rule.jwks = readJwks(fields, json.get("jwks"), `${path}.jwks`);
  return rule;
}

function readJwks(fields: Fields, json: JsonValue | null, path: string): Jwks {
  const jwks = new Jwks(fields.text(json, path));
  // A key that is left out would fail its tokens at two in the morning.
  if (jwks.problems.length > 0) fields.fail(path, jwks.problems[0]);
  if (jwks.error != "") fields.fail(path, jwks.error);
  return jwks;
}

/** Envoy looks at headers, then parameters, then cookies, each kind by name. */
function readSources(fields: Fields, json: JsonValue, path: string, into: Source[]): void {
  const headers = fields.list(json.get("fromHeaders"), `${path}.fromHeaders`);
  const parameters = filledList(fields, json.get("fromParams"), `${path}.fromParams`);
  const cookies = filledList(fields, json.get("fromCookies"), `${path}.fromCookies`);
  const groups: Source[][] = [[], [], []];
  for (let i = 0; i < headers.length; i++) {
    groups[0].push(readHeaderSource(fields, headers[i], `${path}.fromHeaders[${i}]`));
  }
  for (let i = 0; i < parameters.length; i++) groups[1].push(new ParameterSource(parameters[i]));
  for (let i = 0; i < cookies.length; i++) groups[2].push(new CookieSource(cookies[i]));
  if (headers.length + parameters.length + cookies.length == 0) {
    groups[0].push(new HeaderSource(new HeaderName("authorization"), "Bearer "));
    groups[1].push(new ParameterSource("access_token"));
  }
  for (let i = 0; i < groups.length; i++) addSorted(groups[i], into);
}

/** Places named twice are one place. */
function addSorted(group: Source[], into: Source[]): void {
  group.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  for (let i = 0; i < group.length; i++)
    if (i == 0 || group[i].order != group[i - 1].order) into.push(group[i]);
}

function readHeaderSource(fields: Fields, json: JsonValue, path: string): Source {
  if (!fields.object(json, path, ["name", "prefix"])) return new ParameterSource("");
  const name = readHeaderName(fields, json.get("name"), `${path}.name`);
  return new HeaderSource(name, fields.textOr(json, "prefix", path, ""));
}

function readOutputs(fields: Fields, json: JsonValue, path: string, outputs: Outputs): void {
  const payload = json.get("outputPayloadToHeader");
  if (payload != null) outputs.payload = readHeaderName(fields, payload, `${path}.outputPayloadToHeader`);
  const claims = fields.list(json.get("outputClaimToHeaders"), `${path}.outputClaimToHeaders`);
  for (let i = 0; i < claims.length; i++) {
    const at = `${path}.outputClaimToHeaders[${i}]`;
    if (!fields.object(claims[i], at, ["header", "claim"])) continue;
    const header = readHeaderName(fields, claims[i].get("header"), `${at}.header`);
    outputs.add(header, filled(fields, claims[i].get("claim"), `${at}.claim`));
  }
}

function readHeaderName(fields: Fields, json: JsonValue | null, path: string): HeaderName {
  const name = filled(fields, json, path);
  for (let i = 0; i < name.length; i++) {
    if (!isNameSign(name.charCodeAt(i))) fields.fail(path, `"${name}" cannot be a header's name`);
  }
  return new HeaderName(lowerCase(name));
}

function filled(fields: Fields, json: JsonValue | null, path: string): string {
  const text = fields.text(json, path);
  if (text == "") fields.fail(path, "must not be empty");
  return text;
}

function filledList(fields: Fields, json: JsonValue | null, path: string): string[] {
  const texts = fields.texts(json, path);
  for (let i = 0; i < texts.length; i++)
    if (texts[i] == "") fields.fail(`${path}[${i}]`, "must not be empty");
  return texts;
}

/** What RFC 9110 makes names of. */
function isNameSign(c: i32): bool {
  const folded = c | 32;
  if ((folded >= 97 && folded <= 122 && c < 128) || (c >= 48 && c <= 57)) return true;
  return c < 128 && "!#$%&'*+-.^_`|~".includes(String.fromCharCode(c));
}
