import { Pairs } from "proxy-wasm-toolkit/sdk";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { pathOnly, queryParameter } from "proxy-wasm-toolkit/sdk/text/url";
import { StringMatch } from "./string-match";

class NamedMatch {
  constructor(
    readonly name: string,
    readonly match: StringMatch,
  ) {}
}

/** Keys that Istio reads from their own fields and ignores among `headers`. */
const IGNORED: string[] = ["uri", "scheme", "method", "authority"];

const KNOWN: string[] = [
  "name",
  "uri",
  "ignoreUriCase",
  "method",
  "authority",
  "scheme",
  "headers",
  "withoutHeaders",
  "queryParams",
];

/** Index of the first pair named `name` from `from` on, or -1. */
function find(headers: Pairs, name: string, from: i32): i32 {
  for (let i = from; i < headers.length; i++) if (headers.name(i) == name) return i;
  return -1;
}

function first(headers: Pairs, name: string): string {
  const at = find(headers, name, 0);
  return at < 0 ? "" : headers.value(at);
}

/** One block of an Istio HTTPMatchRequest: everything in it must hold. */
export class RequestMatch {
  private uri: StringMatch | null = null;
  private method: StringMatch | null = null;
  private authority: StringMatch | null = null;
  private scheme: StringMatch | null = null;
  private headers: NamedMatch[] = [];
  private without: NamedMatch[] = [];
  private query: NamedMatch[] = [];

  static read(fields: Fields, json: JsonValue, path: string): RequestMatch {
    const match = new RequestMatch();
    if (!fields.object(json, path, KNOWN)) return match;
    const ignore = json.get("ignoreUriCase");
    const ignoreCase = ignore != null && fields.bool(ignore, `${path}.ignoreUriCase`);
    match.uri = part(fields, json, "uri", path, ignoreCase);
    match.method = part(fields, json, "method", path, false);
    match.authority = part(fields, json, "authority", path, false);
    match.scheme = part(fields, json, "scheme", path, false);
    match.headers = named(fields, json.get("headers"), `${path}.headers`, true);
    match.without = named(fields, json.get("withoutHeaders"), `${path}.withoutHeaders`, true);
    match.query = named(fields, json.get("queryParams"), `${path}.queryParams`, false);
    return match;
  }

  matches(headers: Pairs): bool {
    const target = first(headers, ":path");
    if (!holds(this.uri, pathOnly(target))) return false;
    if (!holds(this.method, first(headers, ":method"))) return false;
    if (!holds(this.authority, first(headers, ":authority"))) return false;
    if (!holds(this.scheme, first(headers, ":scheme"))) return false;
    for (let i = 0; i < this.headers.length; i++) if (!anyValue(headers, this.headers[i])) return false;
    for (let i = 0; i < this.without.length; i++) if (present(headers, this.without[i])) return false;
    for (let i = 0; i < this.query.length; i++) {
      const value = queryParameter(target, this.query[i].name);
      if (value == null || !this.query[i].match.matches(value)) return false;
    }
    return true;
  }
}

function part(
  fields: Fields,
  json: JsonValue,
  key: string,
  path: string,
  ignoreCase: bool,
): StringMatch | null {
  const value = json.get(key);
  return value == null ? null : StringMatch.read(fields, value, `${path}.${key}`, ignoreCase);
}

function named(fields: Fields, json: JsonValue | null, path: string, headers: bool): NamedMatch[] {
  const list: NamedMatch[] = [];
  if (json == null) return list;
  if (!json.isObject) {
    fields.fail(path, "expected an object");
    return list;
  }
  for (let i = 0; i < json.keys.length; i++) {
    const key = json.keys[i];
    if (headers && IGNORED.includes(key)) continue;
    const name = headers ? key.toLowerCase() : key;
    list.push(new NamedMatch(name, StringMatch.read(fields, json.items[i], `${path}.${key}`, false)));
  }
  return list;
}

function holds(match: StringMatch | null, text: string): bool {
  return match == null || match.matches(text);
}

/** Repeated headers are tested value by value; any match counts. */
function anyValue(headers: Pairs, wanted: NamedMatch): bool {
  for (let at = find(headers, wanted.name, 0); at >= 0; at = find(headers, wanted.name, at + 1)) {
    if (wanted.match.matches(headers.value(at))) return true;
  }
  return false;
}

/** For `withoutHeaders`: a missing header counts as an empty value, but not for a mere presence test. */
function present(headers: Pairs, unwanted: NamedMatch): bool {
  if (find(headers, unwanted.name, 0) >= 0) return anyValue(headers, unwanted);
  return !unwanted.match.presence && unwanted.match.matches("");
}
