import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { Regex } from "proxy-wasm-toolkit/sdk/text/regex";

enum Form {
  Present = 0,
  Exact = 1,
  Prefix = 2,
  Regex = 3,
}

/** Istio's StringMatch: one of exact, prefix and regex (whole text), or `{}` for mere presence. */
export class StringMatch {
  private form: Form = Form.Present;
  private value: string = "";
  private regex: Regex | null = null;
  private ignoreCase: bool = false;

  static read(fields: Fields, json: JsonValue | null, path: string, ignoreCase: bool): StringMatch {
    const match = new StringMatch();
    if (json == null || !fields.object(json, path, ["exact", "prefix", "regex"])) return match;
    if (json.keys.length > 1) fields.fail(path, "give only one of exact, prefix and regex");
    if (json.keys.length == 0) return match;
    const key = json.keys[0];
    const text = fields.text(json.items[0], `${path}.${key}`);
    match.ignoreCase = ignoreCase;
    match.value = ignoreCase ? text.toLowerCase() : text;
    if (key == "exact") match.form = Form.Exact;
    else if (key == "prefix") match.form = Form.Prefix;
    else if (text != "*") match.useRegex(fields, text, `${path}.${key}`);
    return match;
  }

  private useRegex(fields: Fields, text: string, path: string): void {
    const regex = new Regex(text);
    if (regex.error != "") fields.fail(path, regex.error);
    this.form = Form.Regex;
    this.regex = regex;
  }

  /** `{}` and the regex `*`: any value, as long as there is one. */
  get presence(): bool {
    return this.form == Form.Present;
  }

  matches(text: string): bool {
    const form = this.form;
    if (form == Form.Present) return true;
    if (form == Form.Regex) return (this.regex as Regex).matches(text);
    const subject = this.ignoreCase ? text.toLowerCase() : text;
    return form == Form.Exact ? subject == this.value : subject.startsWith(this.value);
  }
}
