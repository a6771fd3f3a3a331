import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { queryParameter } from "proxy-wasm-toolkit/sdk/text/url";
import { Request } from "./request";
import { StringMatch } from "./string-match";

/** A condition on the first value of a query parameter, undecoded. */
export class QueryMatch {
  constructor(
    readonly name: string,
    readonly match: StringMatch,
  ) {}

  holds(request: Request): bool {
    return this.match.matchesOptional(queryParameter(request.target, this.name));
  }
}

export function readQuery(fields: Fields, json: JsonValue | null, path: string): QueryMatch[] {
  const list: QueryMatch[] = [];
  if (json == null || !fields.isObject(json, path)) return list;
  for (let i = 0; i < json.keys.length; i++) {
    const key = json.keys[i];
    const at = `${path}.${key}`;
    if (key == "") fields.fail(at, "must not be empty");
    list.push(new QueryMatch(key, StringMatch.read(fields, json.items[i], at, false)));
  }
  return list;
}
