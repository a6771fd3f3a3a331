import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { ClaimMatch, claimPath } from "./claims";
import { KnownHeader } from "./known-header";
import { Request } from "./request";
import { StringMatch } from "./string-match";

/** Keys that Istio reads from fields of their own and ignores among the headers. */
const IGNORED: string[] = ["uri", "scheme", "method", "authority"];

/** A condition on a header. */
export class HeaderMatch {
  constructor(
    readonly header: KnownHeader,
    readonly match: StringMatch,
  ) {}

  isThere(request: Request): bool {
    return request.first(this.header) != null;
  }

  /** A repeated header is tested value by value; any match counts. */
  holds(request: Request): bool {
    const first = request.first(this.header);
    return first != null && this.any(first, request);
  }

  /** For `withoutHeaders`: a missing header counts as an empty value, but not for a mere test of presence. */
  holdsOrIsEmpty(request: Request): bool {
    const first = request.first(this.header);
    if (first == null) return !this.match.isPresence && this.match.matches("");
    return this.any(first, request);
  }

  /** The first value is at hand; all of them have to be asked for. */
  private any(first: string, request: Request): bool {
    if (this.match.matches(first)) return true;
    const values = request.values(this.header);
    for (let i = 1; i < values.length; i++) if (this.match.matches(values[i])) return true;
    return false;
  }
}

/** Claims of a token, which Istio writes among the headers, go into `claims`. */
export function readHeaders(
  fields: Fields,
  json: JsonValue | null,
  path: string,
  claims: ClaimMatch[],
): HeaderMatch[] {
  const list: HeaderMatch[] = [];
  if (json == null || !fields.isObject(json, path)) return list;
  for (let i = 0; i < json.keys.length; i++) {
    const key = json.keys[i];
    if (IGNORED.includes(key)) continue;
    const at = `${path}.${key}`;
    const match = StringMatch.read(fields, json.items[i], at, false);
    const claim = claimPath(key);
    if (claim != null) {
      claims.push(new ClaimMatch(claim, match));
      continue;
    }
    if (key == "" || key.startsWith("@")) {
      fields.fail(at, "expected the name of a header, or @request.auth.claims[name]");
    }
    const name = lowerCase(key);
    // Proxies show `host` as `:authority`.
    list.push(new HeaderMatch(KnownHeader.of(name == "host" ? ":authority" : name), match));
  }
  return list;
}
