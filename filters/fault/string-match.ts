import { equalsIgnoreCase, regionMatches } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { Regex } from "proxy-wasm-toolkit/sdk/text/regex";

enum Form {
  Present = 0,
  Exact = 1,
  Prefix = 2,
  Regex = 3,
}

/** Istio's StringMatch: one of exact, prefix and regex (whole text); `{}` and the regex `*` are mere presence. */
export class StringMatch {
  private form: Form = Form.Present;
  private text: string = "";
  private regex: Regex | null = null;

  private constructor(private readonly ignoreCase: bool) {}

  /** `ignoreCase` is for exact and prefix; a regex has `(?i)`. */
  static read(fields: Fields, json: JsonValue, path: string, ignoreCase: bool): StringMatch {
    const match = new StringMatch(ignoreCase);
    if (!fields.object(json, path, ["exact", "prefix", "regex"]) || json.keys.length == 0) return match;
    if (json.keys.length > 1) fields.fail(path, "give only one of exact, prefix and regex");
    const key = json.keys[0];
    const at = `${path}.${key}`;
    const text = fields.text(json.items[0], at);
    match.text = text;
    if (key == "exact") match.form = Form.Exact;
    else if (text == "") fields.fail(at, "must not be empty");
    else if (key == "prefix") match.form = Form.Prefix;
    else if (text != "*") {
      match.form = Form.Regex;
      const regex = new Regex(text);
      if (regex.error != "") fields.fail(at, regex.error);
      match.regex = regex;
    }
    return match;
  }

  /** Any value does, as long as there is one. */
  get isPresence(): bool {
    return this.form == Form.Present;
  }

  matches(text: string): bool {
    const form = this.form;
    if (form == Form.Present) return true;
    if (form == Form.Regex) return (this.regex as Regex).matches(text);
    const wanted = this.text;
    if (form == Form.Exact) return this.ignoreCase ? equalsIgnoreCase(text, wanted) : text == wanted;
    return this.ignoreCase ? regionMatches(text, 0, wanted) : text.startsWith(wanted);
  }

  /** Does a value that may be missing match? */
  matchesOptional(text: string | null): bool {
    return text != null && this.matches(text);
  }
}
