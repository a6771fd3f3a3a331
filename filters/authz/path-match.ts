import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { Regex } from "proxy-wasm-toolkit/sdk/text/regex";
import { ValueMatch } from "./string-forms";

/** Characters `{*}` stands for; `{**}` also crosses `/`. */
const SEGMENT = "[A-Za-z0-9\\-._~%!$&'()+,;:@=*]+";
const SEGMENTS = "[A-Za-z0-9\\-._~%!$&'()+,;:@=*/]*";
const SPECIAL = "\\.+*?()|[]{}^$";

/** One entry of `paths`: a value form or a template. */
export class PathMatch {
  private value: ValueMatch | null = null;
  private template: Regex | null = null;

  static read(fields: Fields, text: string, path: string): PathMatch {
    const match = new PathMatch();
    if (text.includes("{") || text.includes("}")) match.template = compile(fields, text, path);
    else match.value = new ValueMatch(text);
    return match;
  }

  matches(path: string): bool {
    const template = this.template;
    const value = this.value;
    if (template != null) return template.matches(path);
    return value != null && value.matches(path);
  }
}

function quote(text: string): string {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (SPECIAL.includes(c)) out += "\\";
    out += c;
  }
  return out;
}

/** A template is matched whole; an operator fills its whole segment, `{**}` comes last. */
function compile(fields: Fields, text: string, path: string): Regex {
  const parts = text.split("/");
  let source = "";
  let last = false;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (i > 0) source += "/";
    if (last && part.includes("{")) fields.fail(path, "{**} must be the last operator of a path template");
    if (part == "{*}") source += SEGMENT;
    else if (part == "{**}") {
      source += SEGMENTS;
      last = true;
    } else if (part.includes("{") || part.includes("}")) {
      fields.fail(path, "a path template knows {*} and {**} only, each as a whole segment");
    } else if (part.includes("*")) fields.fail(path, "a path template cannot also have *");
    else source += quote(part);
  }
  const regex = new Regex(source);
  if (regex.error != "") fields.fail(path, regex.error);
  return regex;
}
