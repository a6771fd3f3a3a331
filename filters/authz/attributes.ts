import { decimal, lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { AllOf, Matcher } from "./matcher";
import { isTemplate, readTemplate } from "./path-template";
import { principalMatch } from "./principals";
import { Terms } from "./terms";
import { Form, globTest, headerTest, TextTest } from "./text-test";

const HEADERS = "request.headers[";
const CLAIMS = "request.auth.claims[";
const FILTERS = "experimental.envoy.filters.";

/** Keys of `when`, but for those with brackets. */
const PLAIN: string[] = [
  "source.ip",
  "remote.ip",
  "source.namespace",
  "source.serviceAccount",
  "source.trustDomain",
  "source.principal",
  "request.auth.principal",
  "request.auth.audiences",
  "request.auth.presenter",
  "destination.ip",
  "destination.port",
  "connection.sni",
];

/** Is this a key `when` may have? */
export function isAttribute(key: string): bool {
  if (PLAIN.includes(key)) return true;
  if (!key.endsWith("]")) return false;
  const open = key.indexOf("[");
  if (key.startsWith(HEADERS)) return open < key.length - 2 && key.indexOf("[", open + 1) < 0;
  if (key.startsWith(CLAIMS)) return bracketed(key, CLAIMS.length - 1) != null;
  return key.startsWith(FILTERS) && open > FILTERS.length && open < key.length - 2;
}

/** Attributes only requests have; `hosts`, `methods` and `paths` are fields of `operation`. */
export function isHttpOnly(key: string): bool {
  return key.startsWith("request.") || key == "hosts" || key == "methods" || key == "paths";
}

/** Does the attribute say who somebody is? CUSTOM rules may not ask. */
export function isIdentity(key: string): bool {
  if (key.startsWith("request.auth.")) return true;
  return key.startsWith("source.") && key != "source.ip";
}

/** The condition that an attribute has one value of a policy. `namespace` is the policy's own. */
export function attributeMatch(
  terms: Terms,
  key: string,
  value: string,
  path: string,
  namespace: string,
): Matcher {
  if (key == "hosts") return terms.header(":authority", headerTest(value, true), path);
  if (key == "methods") return terms.header(":method", headerTest(value), path);
  if (key == "paths") {
    if (isTemplate(value)) return terms.template(readTemplate(terms.fields, value, path), path);
    return terms.path(globTest(value), path);
  }
  if (key == "source.ip") terms.asksForPeer = true;
  if (key == "source.ip" || key == "remote.ip") return terms.ip(true, value, path);
  if (key == "destination.ip") return terms.ip(false, value, path);
  if (key == "destination.port") return portMatch(terms, value, path);
  if (key == "connection.sni") return terms.sni(globTest(value), path);
  if (key == "request.auth.principal") return requestPrincipal(terms, value, path);
  if (key == "request.auth.audiences") return terms.claim(["aud"], true, globTest(value), path);
  if (key == "request.auth.presenter") return terms.claim(["azp"], true, globTest(value), path);
  if (key.startsWith(CLAIMS)) {
    const way = bracketed(key, CLAIMS.length - 1);
    return terms.claim(way == null ? [] : way, true, globTest(value), path);
  }
  if (key.startsWith(HEADERS)) {
    const name = lowerCase(key.substring(HEADERS.length, key.length - 1));
    // Proxies show `host` as `:authority`.
    return terms.header(name == "host" ? ":authority" : name, headerTest(value), path);
  }
  if (key.startsWith(FILTERS)) return filterMetadata(terms, key, value, path);
  return principalMatch(terms, key, value, path, namespace);
}

function portMatch(terms: Terms, value: string, path: string): Matcher {
  const port = decimal(value);
  if (port < 0 || port > 65535) terms.fields.fail(path, "expected a port from 0 to 65535");
  return terms.port(port, path);
}

/** `[v]` asks for a list with v in it, any other value for a text. */
function filterMetadata(terms: Terms, key: string, value: string, path: string): Matcher {
  const open = key.indexOf("[");
  const filter = key.substring("experimental.".length, open);
  const way = ["metadata", "filter_metadata", filter, key.substring(open + 1, key.length - 1)];
  const isList = value.length > 2 && value.startsWith("[") && value.endsWith("]");
  return terms.property(way, isList, globTest(isList ? value.substring(1, value.length - 1) : value), path);
}

/** `iss/sub`, parted at the last slash; a star stands at the beginning or the end. */
function requestPrincipal(terms: Terms, value: string, path: string): Matcher {
  const slash = value.lastIndexOf("/");
  const iss = slash < 0 ? value : value.substring(0, slash);
  const sub = slash < 0 ? "" : value.substring(slash + 1);
  let issTest = new TextTest(Form.Exact, iss);
  let subTest = new TextTest(Form.Exact, sub);
  const any = globTest("*");
  if (value == "*") {
    issTest = any;
    subTest = any;
  } else if (value.startsWith("*")) {
    issTest = slash < 0 ? any : globTest(iss);
    if (slash < 0) subTest = globTest(value);
  } else if (value.endsWith("*")) {
    if (slash < 0) issTest = globTest(value);
    subTest = slash < 0 ? any : globTest(sub);
  }
  return new AllOf([terms.claim(["iss"], false, issTest, path), terms.claim(["sub"], false, subTest, path)]);
}

/** The names in `[a][b]`, from the first bracket on; null when it is not of that form. */
function bracketed(key: string, from: i32): string[] | null {
  const names: string[] = [];
  for (let at = from; at < key.length; ) {
    const close = key.indexOf("]", at);
    if (key.charCodeAt(at) != 91 || close < 0 || close == at + 1) return null;
    const name = key.substring(at + 1, close);
    if (name.includes("[")) return null;
    names.push(name);
    at = close + 1;
  }
  return names;
}
