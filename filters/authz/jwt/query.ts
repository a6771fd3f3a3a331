import { Query } from "proxy-wasm-toolkit/sdk/text/url";

/** The parameters of a request target, decoded as Envoy does it: a plus sign is a plus sign. */
export function parametersOf(target: string): Query {
  return new Query(target.includes("+") ? target.replaceAll("+", "%2B") : target);
}

/**
 * The target without every parameter of that name; the others stay as they came. (Envoy's own filter sorts and decodes
 * them, which lets a `%20` or `%0a` into the request line.)
 */
export function withoutParameter(target: string, name: string): string {
  const question = target.indexOf("?");
  if (question < 0) return target;
  let query = "";
  for (let at = question + 1; at <= target.length; ) {
    const ampersand = target.indexOf("&", at);
    const end = ampersand < 0 ? target.length : ampersand;
    const part = target.substring(at, end);
    const parameters = parametersOf(`?${part}`);
    if (parameters.length == 0 || parameters.name(0) != name) query += `&${part}`;
    at = end + 1;
  }
  const path = target.substring(0, question);
  return query == "" ? path : `${path}?${query.substring(1)}`;
}
