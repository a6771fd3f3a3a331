/** As Istio calls any mesh's own trust domain. */
const LOCAL = "cluster.local";

/**
 * A principal as every trust domain of the mesh has it. One of another mesh stays as it is, and so does
 * one that names no trust domain: that has a star instead, or not five parts.
 */
export function inAllTrustDomains(principal: string, trustDomains: string[]): string[] {
  const parts = principal.split("/");
  if (parts.length != 5 || parts[0] == "*") return [principal];
  const own = parts[0];
  if (own != LOCAL && !isKnown(own, trustDomains)) return [principal];
  const rest = principal.substring(own.length);
  const all: string[] = [];
  for (let i = 0; i < trustDomains.length; i++) {
    // `*-td` already stands for the domains it fits.
    const one = isSuffixOf(own, trustDomains[i]) ? principal : trustDomains[i] + rest;
    if (!all.includes(one)) all.push(one);
  }
  return all;
}

/** Trust domains named in a policy, with all of the mesh's when one of them is. */
export function expandTrustDomain(domain: string, trustDomains: string[]): string[] {
  return trustDomains.includes(domain) ? trustDomains : [domain];
}

function isKnown(domain: string, list: string[]): bool {
  for (let i = 0; i < list.length; i++) {
    const known = list[i];
    if (domain == known || known == "*") return true;
    if (isPrefixOf(known, domain) || isPrefixOf(domain, known)) return true;
    if (isSuffixOf(known, domain) || isSuffixOf(domain, known)) return true;
  }
  return false;
}

/** Does the pattern `p*` fit the text? */
function isPrefixOf(pattern: string, text: string): bool {
  return pattern.endsWith("*") && text.startsWith(pattern.substring(0, pattern.length - 1));
}

/** Does the pattern `*s` fit the text? */
function isSuffixOf(pattern: string, text: string): bool {
  return pattern.startsWith("*") && text.endsWith(pattern.substring(1));
}
