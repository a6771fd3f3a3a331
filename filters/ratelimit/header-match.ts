import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { equalsIgnoreCase, lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Regex } from "proxy-wasm-toolkit/sdk/text/regex";
import { RequestFacts } from "./request";

export const enum TextTest {
  Present,
  Exact,
  Prefix,
  Suffix,
  Contains,
  Regex,
}

/** Envoy's HeaderMatcher, as far as the filter reads it. */
export class HeaderMatch {
  test: TextTest = TextTest.Present;
  text: string = "";
  regex: Regex | null = null;
  ignoreCase: bool = false;
  invert: bool = false;
  /** `present_match: false` asks that the header be absent. */
  present: bool = true;
  missingAsEmpty: bool = false;

  constructor(readonly name: HeaderName) {}

  /** A repeated header is tested value by value; any match counts. A missing one matches nothing, inverted or not. */
  holds(request: RequestFacts): bool {
    const values = request.pairs.values(this.name);
    if (this.test == TextTest.Present) return (values.length > 0 == this.present) != this.invert;
    if (values.length == 0) {
      if (!this.missingAsEmpty) return false;
      values.push("");
    }
    for (let i = 0; i < values.length; i++) if (this.matches(values[i])) return !this.invert;
    return this.invert;
  }

  private matches(value: string): bool {
    if (this.test == TextTest.Regex) return (this.regex as Regex).matches(value);
    if (this.ignoreCase) value = lowerCase(value);
    const text = this.ignoreCase ? lowerCase(this.text) : this.text;
    if (this.test == TextTest.Prefix) return value.startsWith(text);
    if (this.test == TextTest.Suffix) return value.endsWith(text);
    if (this.test == TextTest.Contains) return value.includes(text);
    return this.ignoreCase ? equalsIgnoreCase(value, text) : value == text;
  }
}
