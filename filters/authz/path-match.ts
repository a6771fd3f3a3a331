import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { Glob } from "proxy-wasm-toolkit/sdk/text/glob";
import { Regex } from "proxy-wasm-toolkit/sdk/text/regex";

/** Characters `{*}` stands for, one or more; `{**}` is any number of them and of slashes. */
const PCHAR = "A-Za-z0-9\\-._~%!$&'()+,;:@=*";
/** What a template's ordinary segments are made of: RFC 3986's pchar without a star. */
const LITERAL = new Regex("[A-Za-z0-9\\-._~%!$&'()+,;:@=]+");

/** One entry of `paths`: exact, `p*`, `*s`, `*` for any path, or a template with `{*}` and `{**}`. */
export class PathMatch {
  private readonly glob: Glob | null;
  private readonly template: Regex | null;

  constructor(fields: Fields, text: string, path: string) {
    const isTemplate = text.includes("{") || text.includes("}");
    this.glob = isTemplate ? null : new Glob(text);
    this.template = isTemplate ? compile(fields, text, path) : null;
  }

  matches(path: string): bool {
    const template = this.template;
    if (template != null) return template.matches(path);
    const glob = this.glob as Glob;
    return glob.isAny ? path != "" : glob.matches(path);
  }
}

/** A template is matched whole. An operator fills its segment, `{**}` is the last operator. */
function compile(fields: Fields, text: string, path: string): Regex {
  const segments = text.split("/");
  if (segments.length < 2 || segments[0] != "") fields.fail(path, "a path template starts with /");
  let source = "";
  let closed = false;
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i];
    source += "/";
    const isOperator = segment == "{*}" || segment == "{**}";
    if (isOperator && closed) fields.fail(path, "{**} must be the last operator of a path template");
    if (segment == "{*}") source += `[${PCHAR}]+`;
    else if (segment == "{**}") {
      source += `[${PCHAR}/]*`;
      closed = true;
    } else if (segment.includes("{") || segment.includes("}")) {
      fields.fail(path, "a path template knows {*} and {**} only, each as a whole segment");
    } else if (LITERAL.matches(segment)) source += `\\Q${segment}\\E`;
    // Only a slash at the end leaves an empty segment.
    else if (segment != "" || i != segments.length - 1) {
      fields.fail(path, `"${segment}" cannot be a segment of a path template`);
    }
  }
  const regex = new Regex(source);
  if (regex.error != "") fields.fail(path, regex.error);
  return regex;
}
