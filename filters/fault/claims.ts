import { Bytes, dynamicMetadata, Pairs, PropertyPath } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { isUtf8 } from "proxy-wasm-toolkit/sdk/text/utf8";
import { StringMatch } from "./string-match";

const PREFIX = "@request.auth.claims";

/** Where Envoy's own JWT filter, if it stands in front of this one, leaves what it has verified. */
const PAYLOAD: PropertyPath = dynamicMetadata("envoy.filters.http.jwt_authn").at("payload");

/** The way to a claim that Istio's name for it tells, `@request.auth.claims[a][b]` or `.a.b`; null = no such name. */
export function claimPath(name: string): PropertyPath | null {
  if (!lowerCase(name).startsWith(PREFIX)) return null;
  const rest = name.slice(PREFIX.length);
  let names: string[] = [];
  if (rest.startsWith(".")) names = rest.slice(1).split(".");
  else if (rest.startsWith("[") && rest.endsWith("]")) names = rest.slice(1, -1).split("][");
  if (names.length == 0 || names.includes("")) return null;
  let path = PAYLOAD;
  for (let i = 0; i < names.length; i++) path = path.at(names[i]);
  return path;
}

/** A claim of a verified token: a text, or a list of which one text will do. */
export class ClaimMatch {
  constructor(
    private readonly path: PropertyPath,
    private readonly match: StringMatch,
  ) {}

  holds(): bool {
    const value = this.path.raw;
    if (value == null) return false;
    const items = itemsOf(value);
    if (items == null) return this.isText(value);
    for (let i = 0; i < items.length; i++) if (this.isText(items.nameBytes(i))) return true;
    return false;
  }

  /** Values come without their kind. A number is 8 bytes and a boolean one, which mean anything only as bytes no text has. */
  private isText(value: Bytes): bool {
    if ((value.length == 8 || value.length == 1) && !isPlain(value)) return false;
    return this.match.matches(value.toString());
  }
}

/** A list is pairs of an item and nothing; null = something else. */
function itemsOf(value: Bytes): Pairs | null {
  const pairs = Pairs.decode(value);
  if (pairs.length == 0 || pairs.encode().length != value.length) return null;
  for (let i = 0; i < pairs.length; i++) if (pairs.valueBytes(i).length > 0) return null;
  return pairs;
}

function isPlain(value: Bytes): bool {
  for (let i = 0; i < value.length; i++) if (value.at(i) < 32) return false;
  return isUtf8(value);
}
