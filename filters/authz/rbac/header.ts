import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Facts } from "../facts";
import { Always, AnyOf, Matcher } from "../matcher";
import { Place } from "../place";
import { Cost, Source } from "../source";
import { Terms } from "../terms";
import { Form } from "../text-test";
import { readForm, readText } from "./texts";

/** The forms from before `string_match`. */
const OLD: string[] = ["exact_match", "prefix_match", "suffix_match", "contains_match", "safe_regex_match"];
const OLD_FORMS: Form[] = [Form.Exact, Form.Prefix, Form.Suffix, Form.Contains, Form.Regex];
const TESTS: string[] = OLD.concat(["string_match", "present_match", "range_match"]);

/** Is the header there, or not? */
class Presence extends Matcher {
  constructor(
    private readonly source: Source,
    private readonly wanted: bool,
  ) {
    super();
  }

  get cost(): Cost {
    return this.source.cost;
  }

  matches(facts: Facts): bool {
    return facts.of(this.source).length > 0 == this.wanted;
  }
}

/** A missing header matches nothing, inverted or not, unless it counts as empty. */
class Turned extends Matcher {
  constructor(
    private readonly source: Source,
    private readonly inner: Matcher,
    private readonly ifMissing: bool,
    private readonly invert: bool,
  ) {
    super();
  }

  get cost(): Cost {
    return this.source.cost;
  }

  matches(facts: Facts): bool {
    if (facts.of(this.source).length == 0) return this.ifMissing;
    return this.inner.matches(facts) != this.invert;
  }
}

/** Whole numbers from `start` up to, but without, `end`. */
class NumberRange extends Matcher {
  constructor(
    private readonly source: Source,
    private readonly start: i64,
    private readonly end: i64,
  ) {
    super();
  }

  get cost(): Cost {
    return this.source.cost;
  }

  matches(facts: Facts): bool {
    const values = facts.of(this.source);
    for (let i = 0; i < values.length; i++) {
      if (isWholeNumber(values[i]) && wholeNumber >= this.start && wholeNumber < this.end) return true;
    }
    return false;
  }
}

/** What {@link isWholeNumber} has read last. */
let wholeNumber: i64 = 0;

/** Reads an int64 in decimal, with a sign or without, and with as many leading zeros as there are. */
function isWholeNumber(text: string): bool {
  const first = text.length > 0 ? text.charCodeAt(0) : 0;
  const negative = first == 45;
  const from = negative || first == 43 ? 1 : 0;
  if (text.length == from) return false;
  // Below zero there is one number more.
  let value: i64 = 0;
  for (let i = from; i < text.length; i++) {
    const digit = <i64>(text.charCodeAt(i) - 48);
    if (digit < 0 || digit > 9 || value < (i64.MIN_VALUE + digit) / 10) return false;
    value = value * 10 - digit;
  }
  if (!negative && value == i64.MIN_VALUE) return false;
  wholeNumber = negative ? value : -value;
  return true;
}

/** Envoy's HeaderMatcher. Each value of a repeated header is tested alone; any match counts. */
export function readHeader(terms: Terms, place: Place): Matcher {
  const kind = place.oneOf(TESTS, ["name", "invert_match", "treat_missing_header_as_empty"]);
  const name = lowerCase(place.at("name").word());
  if (place.fields.error != "") return new AnyOf([]);
  const invert = place.at("invert_match").flag();
  const missingAsEmpty = place.at("treat_missing_header_as_empty").flag();
  const source = terms.headerSource(name == "host" ? ":authority" : name);
  const test = place.at(kind);
  if (kind == "" || kind == "present_match") {
    const wanted = (kind == "" || test.flag()) != invert;
    if (!missingAsEmpty) return new Presence(source, wanted);
    return wanted ? new Always() : new AnyOf([]);
  }
  let inner: Matcher;
  let empty = false;
  if (kind == "range_match") inner = readRange(test, source);
  else {
    const form = OLD.indexOf(kind);
    const text = form < 0 ? readText(test) : readForm(test, OLD_FORMS[form]);
    inner = terms.text(source, text, test.path);
    empty = text.matches("");
  }
  return invert || missingAsEmpty
    ? new Turned(source, inner, missingAsEmpty && empty != invert, invert)
    : inner;
}

function readRange(place: Place, source: Source): Matcher {
  if (!place.isObject(["start", "end"])) return new AnyOf([]);
  return new NumberRange(source, readBound(place.at("start")), readBound(place.at("end")));
}

/** An int64, which JSON may write as a text; absent = 0. */
function readBound(place: Place): i64 {
  const json = place.json;
  if (json == null) return 0;
  if (json.isText && isWholeNumber(json.text)) return wholeNumber;
  const number = json.isNumber ? json.number : NaN;
  // What is no number is not equal to itself; a cast brings others into the range of an int64.
  if (number != floor(number)) place.fail("expected a whole number");
  return <i64>number;
}
