import { Bytes, PropertyPath } from "proxy-wasm-toolkit/sdk";
import { Facts } from "../facts";
import { AnyOf, Matcher, Not } from "../matcher";
import { Place } from "../place";
import { Cost } from "../source";
import { Terms } from "../terms";
import { readText } from "./texts";

const VALUES: string[] = ["string_match", "present_match", "bool_match", "list_match", "or_match"];

/** A value of metadata is there, or is a certain boolean. */
class RawValue extends Matcher {
  private readonly path: PropertyPath;

  constructor(
    way: string[],
    private readonly isBool: bool,
    private readonly wanted: bool,
  ) {
    super();
    this.path = PropertyPath.of(way);
  }

  get cost(): Cost {
    return Cost.Property;
  }

  matches(facts: Facts): bool {
    const value: Bytes | null = this.path.raw;
    if (!this.isBool) return (value != null) == this.wanted;
    return value != null && value.length == 1 && value.at(0) == <u8>this.wanted;
  }
}

/** Envoy's MetadataMatcher, below `base`: the stream's dynamic metadata or the route's. */
export function readMetadata(terms: Terms, place: Place, base: string[]): Matcher {
  if (!place.isObject(["filter", "path", "value", "invert"])) return new AnyOf([]);
  const way = base.concat([place.at("filter").word()]);
  const segments = place.at("path").some();
  for (let i = 0; i < segments.length; i++) {
    if (segments[i].isObject(["key"])) way.push(segments[i].at("key").word());
  }
  const matcher = readValue(terms, place.at("value"), way, false);
  return place.at("invert").flag() ? new Not(matcher) : matcher;
}

/** A ValueMatcher. Numbers are refused: a value comes without its type, and a text could pass for one. */
function readValue(terms: Terms, place: Place, way: string[], inList: bool): Matcher {
  const kind = place.oneOf(inList ? ["string_match"] : VALUES, []);
  const value = place.at(kind);
  if (kind == "string_match") return terms.property(way, inList, readText(value), value.path);
  if (kind == "list_match") {
    if (!value.isObject(["one_of"])) return new AnyOf([]);
    return readValue(terms, value.at("one_of"), way, true);
  }
  if (kind == "bool_match" || kind == "present_match") {
    return new RawValue(way, kind == "bool_match", value.flag());
  }
  if (kind == "") place.fail("needs a way to match");
  else if (value.isObject(["value_matchers"])) {
    const any: Matcher[] = [];
    const list = value.at("value_matchers").some();
    for (let i = 0; i < list.length; i++) any.push(readValue(terms, list[i], way, false));
    return new AnyOf(any);
  }
  return new AnyOf([]);
}
