import { equalsIgnoreCase, lowerCase, regionMatches } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Regex } from "proxy-wasm-toolkit/sdk/text/regex";

export const enum Form {
  Exact,
  Prefix,
  Suffix,
  Contains,
  Regex,
  /** Anything, even an empty text. */
  Present,
}

/** One way to look at a text: Envoy's StringMatcher. */
export class TextTest {
  private readonly regex: Regex | null;

  constructor(
    readonly form: Form,
    readonly text: string,
    readonly ignoreCase: bool = false,
  ) {
    this.regex = form == Form.Regex ? new Regex(text) : null;
  }

  /** Why the expression is refused, or "". */
  get error(): string {
    const regex = this.regex;
    return regex == null ? "" : regex.error;
  }

  matches(value: string): bool {
    const form = this.form;
    const text = this.text;
    if (form == Form.Regex) return (this.regex as Regex).matches(value);
    if (form == Form.Present) return true;
    if (this.ignoreCase) {
      if (form == Form.Exact) return equalsIgnoreCase(value, text);
      if (form == Form.Contains) return lowerCase(value).includes(lowerCase(text));
      return regionMatches(value, form == Form.Prefix ? 0 : value.length - text.length, text);
    }
    if (form == Form.Exact) return value == text;
    if (form == Form.Prefix) return value.startsWith(text);
    return form == Form.Suffix ? value.endsWith(text) : value.includes(text);
  }

  /** As a policy would write it. */
  toString(): string {
    const form = this.form;
    if (form == Form.Exact) return this.text;
    if (form == Form.Prefix) return `${this.text}*`;
    if (form == Form.Suffix) return `*${this.text}`;
    if (form == Form.Contains) return `*${this.text}*`;
    return form == Form.Regex ? `/${this.text}/` : "*";
  }
}

const SOMETHING = ".+";

/** A policy's text: exact, `p*`, `*s`; `*` alone is any text but an empty one. */
export function globTest(text: string, before: string = "", ignoreCase: bool = false): TextTest {
  if (text == "*") return new TextTest(Form.Regex, SOMETHING);
  if (text.startsWith("*")) return new TextTest(Form.Suffix, text.substring(1), ignoreCase);
  if (text.endsWith("*"))
    return new TextTest(Form.Prefix, before + text.substring(0, text.length - 1), ignoreCase);
  return new TextTest(Form.Exact, before + text, ignoreCase);
}

/** A header's text in a policy: as others, but `*` alone asks only that it be there. */
export function headerTest(text: string, ignoreCase: bool = false): TextTest {
  return text == "*" ? new TextTest(Form.Present, "") : globTest(text, "", ignoreCase);
}
