import { AnyOf, Matcher } from "./matcher";
import { Terms } from "./terms";
import { Form, globTest, TextTest } from "./text-test";
import { expandTrustDomain, inAllTrustDomains } from "./trust-domain";

const SPIFFE = "spiffe://";

/** Conditions on who the client is by its certificate. `namespace` is the policy's own. */
export function principalMatch(
  terms: Terms,
  key: string,
  value: string,
  path: string,
  namespace: string,
): Matcher {
  if (key == "source.namespace") return namespaceMatch(terms, value, path);
  if (key == "source.serviceAccount") return serviceAccountMatch(terms, value, path, namespace);
  const any: Matcher[] = [];
  if (key == "source.trustDomain") {
    const domains = expandTrustDomain(value, terms.trustDomains);
    for (let i = 0; i < domains.length; i++) any.push(terms.principal(trustDomainTest(domains[i]), path));
  } else {
    const names = inAllTrustDomains(value, terms.trustDomains);
    for (let i = 0; i < names.length; i++) any.push(terms.principal(principalTest(names[i]), path));
  }
  return new AnyOf(any);
}

function principalTest(value: string): TextTest {
  const isSuffix = value.startsWith("*") && value.length > 1;
  return isSuffix
    ? new TextTest(Form.Regex, `${SPIFFE}.*${quoted(value.substring(1))}`)
    : globTest(value, SPIFFE);
}

/** Stars stand for anything, anywhere. Other text is not quoted: Istio does not either. */
function namespaceMatch(terms: Terms, value: string, path: string): Matcher {
  const test = new TextTest(Form.Regex, `.*/ns/${value.replaceAll("*", ".*")}/.*`);
  return isName(value) ? terms.principalWith(test, [value], path) : terms.principal(test, path);
}

function serviceAccountMatch(terms: Terms, value: string, path: string, namespace: string): Matcher {
  const slash = value.indexOf("/");
  const ns = slash < 0 ? namespace : value.substring(0, slash);
  const sa = value.substring(slash + 1);
  if (ns == "" || sa == "" || sa.includes("/")) terms.fields.fail(path, "expected NAMESPACE/NAME or NAME");
  if (value.includes("*")) terms.fields.fail(path, "a service account has no wildcard");
  const test = new TextTest(Form.Regex, `spiffe://.+/ns/${ns}/(.+/|)sa/${sa}(/.+)?`);
  return isName(ns) && isName(sa) ? terms.principalWith(test, [sa, ns], path) : terms.principal(test, path);
}

function trustDomainTest(value: string): TextTest {
  if (value == "*") return new TextTest(Form.Prefix, SPIFFE);
  if (!value.includes("*")) return new TextTest(Form.Prefix, `${SPIFFE}${value}/`);
  const parts = value.split("*");
  let regex = "";
  for (let i = 0; i < parts.length; i++) regex += (i > 0 ? "[^/]*" : "") + quoted(parts[i]);
  return new TextTest(Form.Regex, `${SPIFFE}${regex}/.*`);
}

/** Letters, digits and dashes: what a regular expression takes as it stands. */
function isName(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const isLetter = (c | 32) >= 97 && (c | 32) <= 122;
    if (!isLetter && !(c >= 48 && c <= 57) && c != 45) return false;
  }
  return text.length > 0;
}

/** Text for a regular expression that stands for itself. */
function quoted(text: string): string {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    const one = text.charAt(i);
    result += isName(one) || text.charCodeAt(i) > 127 ? one : `\\${one}`;
  }
  return result;
}
