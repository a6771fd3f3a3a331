import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { Regex } from "proxy-wasm-toolkit/sdk/text/regex";

/** Characters `{*}` stands for, one or more; `{**}` is any number of them and of slashes. */
const PCHAR = "A-Za-z0-9\\-._~%!$&'()+,;:@=*";
/** What a template's ordinary segments are made of: RFC 3986's pchar without a star. */
const LITERAL = new Regex("[A-Za-z0-9\\-._~%!$&'()+,;:@=]+");

/** A path template as a regular expression, and the plain text it begins and ends with. */
export class PathTemplate {
  regex: string = "";
  beginning: string = "";
  end: string = "";
}

/** Is this entry of `paths` a template? */
export function isTemplate(text: string): bool {
  return text.includes("{") || text.includes("}");
}

/** Reads a template with operators `one` and `any`. It is matched whole; each operator fills its segment, `any` is the last operator. */
export function readTemplate(
  fields: Fields,
  text: string,
  path: string,
  one: string = "{*}",
  any: string = "{**}",
): PathTemplate {
  const template = new PathTemplate();
  const segments = text.split("/");
  if (segments.length < 2 || segments[0] != "") fields.fail(path, "a path template starts with /");
  let source = "";
  let closed = false;
  let plain = "";
  let operators = 0;
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i];
    source += "/";
    plain += "/";
    if (segment == one || segment == any) {
      if (closed) fields.fail(path, `${any} must be the last operator of a path template`);
      closed = segment == any;
      source += closed ? `[${PCHAR}/]*` : `[${PCHAR}]+`;
      if (operators++ == 0) template.beginning = plain;
      plain = "";
    } else if (isTemplate(segment)) {
      fields.fail(path, `a path template knows ${one} and ${any} only, each as a whole segment`);
    } else if (LITERAL.matches(segment)) {
      source += `\\Q${segment}\\E`;
      plain += segment;
    } else if (segment != "" || i != segments.length - 1) {
      // Only a slash at the end leaves an empty segment.
      fields.fail(path, `"${segment}" cannot be a segment of a path template`);
    }
  }
  template.regex = source;
  template.end = plain;
  if (operators == 0) template.beginning = plain;
  return template;
}
