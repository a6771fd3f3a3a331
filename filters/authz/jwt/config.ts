import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { Jwks } from "./jwks";
import { JwksUri } from "./jwks-uri";
import { Keys, LocalKeys } from "./keys";
import { Outputs } from "./outputs";
import { RemoteKeys } from "./remote-keys";
import { JwtRule } from "./rule";
import { CookieSource, HeaderSource, ParameterSource, Source } from "./source";

const RULE: string[] = [
  "issuer",
  "audiences",
  "jwks",
  "jwksUri",
  "jwksCluster",
  "jwksCacheDuration",
  "timeout",
  "fromHeaders",
  "fromParams",
  "fromCookies",
  "forwardOriginalToken",
  "outputPayloadToHeader",
  "outputClaimToHeaders",
  "spaceDelimitedClaims",
];

/** What says something about keys on a server only. */
const REMOTE: string[] = ["jwksCluster", "jwksCacheDuration", "timeout"];
const MILLISECOND: i64 = 1000000;
const MOST: i64 = 86400000 * MILLISECOND;

/** Reads `jwtRules`, the list of an Istio RequestAuthentication; in the order of their issuers, as Istio sorts them. */
export function readJwtRules(fields: Fields, json: JsonValue | null, path: string): JwtRule[] {
  const rules: JwtRule[] = [];
  const list = fields.list(json, path);
  for (let i = 0; i < list.length; i++) {
    const at = `${path}[${i}]`;
    if (fields.object(list[i], at, RULE)) insert<JwtRule>(rules, readRule(fields, list[i], at));
  }
  return rules;
}

function readRule(fields: Fields, json: JsonValue, path: string): JwtRule {
  const issuer = filled(fields, json.get("issuer"), `${path}.issuer`);
  const rule = new JwtRule(issuer, readKeys(fields, json, path));
  const audiences = filledList(fields, json.get("audiences"), `${path}.audiences`);
  for (let i = 0; i < audiences.length; i++) rule.addAudience(audiences[i]);
  readSources(fields, json, path, rule.sources);
  const forward = json.get("forwardOriginalToken");
  if (forward != null) rule.forwardsToken = fields.bool(forward, `${path}.forwardOriginalToken`);
  readOutputs(fields, json, path, rule.outputs);
  const words = filledList(fields, json.get("spaceDelimitedClaims"), `${path}.spaceDelimitedClaims`);
  for (let i = 0; i < words.length; i++) rule.wordClaims.push(words[i]);
  return rule;
}

function readKeys(fields: Fields, json: JsonValue, path: string): Keys {
  const text = json.get("jwks");
  const uri = json.get("jwksUri");
  if (uri != null) {
    if (text != null) fields.fail(`${path}.jwks`, "not beside jwksUri");
    return readRemoteKeys(fields, json, path);
  }
  for (let i = 0; i < REMOTE.length; i++) {
    if (json.get(REMOTE[i]) != null) fields.fail(`${path}.${REMOTE[i]}`, "needs jwksUri");
  }
  if (text == null) fields.fail(path, "needs jwks or jwksUri");
  const jwks = new Jwks(text == null ? "" : fields.text(text, `${path}.jwks`));
  // A key that is left out would fail its tokens at two in the morning.
  if (jwks.problems.length > 0) fields.fail(`${path}.jwks`, jwks.problems[0]);
  if (jwks.error != "") fields.fail(`${path}.jwks`, jwks.error);
  return new LocalKeys(jwks);
}

function readRemoteKeys(fields: Fields, json: JsonValue, path: string): Keys {
  const uri = new JwksUri(fields.text(json.get("jwksUri"), `${path}.jwksUri`));
  if (uri.error != "") fields.fail(`${path}.jwksUri`, uri.error);
  const cluster = json.get("jwksCluster");
  const name = cluster == null ? uri.cluster : filled(fields, cluster, `${path}.jwksCluster`);
  const timeout = readDuration(fields, json, path, "timeout", 5000);
  const lifetime = readDuration(fields, json, path, "jwksCacheDuration", 300000);
  return new RemoteKeys(uri, name, timeout, <i64>lifetime * MILLISECOND);
}

/** Milliseconds. */
function readDuration(fields: Fields, json: JsonValue, path: string, key: string, missing: u32): u32 {
  const text = fields.textOr(json, key, path, "");
  if (json.get(key) == null) return missing;
  const nanos = parseDuration(text);
  if (nanos < MILLISECOND || nanos > MOST)
    fields.fail(`${path}.${key}`, "expected a duration of 1ms to 24h, such as 5s");
  return <u32>(nanos / MILLISECOND);
}

/** Envoy looks at headers, then parameters, then cookies, each kind by name. */
function readSources(fields: Fields, json: JsonValue, path: string, into: Source[]): void {
  const headers = fields.list(json.get("fromHeaders"), `${path}.fromHeaders`);
  const parameters = filledList(fields, json.get("fromParams"), `${path}.fromParams`);
  const cookies = filledList(fields, json.get("fromCookies"), `${path}.fromCookies`);
  const groups: Source[][] = [[], [], []];
  for (let i = 0; i < headers.length; i++) {
    insert<Source>(groups[0], readHeaderSource(fields, headers[i], `${path}.fromHeaders[${i}]`));
  }
  for (let i = 0; i < parameters.length; i++) insert<Source>(groups[1], new ParameterSource(parameters[i]));
  for (let i = 0; i < cookies.length; i++) insert<Source>(groups[2], new CookieSource(cookies[i]));
  if (headers.length + parameters.length + cookies.length == 0) {
    groups[0].push(new HeaderSource(new HeaderName("authorization"), "Bearer "));
    groups[1].push(new ParameterSource("access_token"));
  }
  // Places named twice are one place.
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i];
    for (let k = 0; k < group.length; k++)
      if (k == 0 || group[k].order != group[k - 1].order) into.push(group[k]);
  }
}

/** Puts an item behind those that come before it or are equal. */
function insert<T>(into: T[], item: T): void {
  let at = into.length;
  into.push(item);
  for (; at > 0 && into[at - 1].order > item.order; at--) into[at] = into[at - 1];
  into[at] = item;
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
