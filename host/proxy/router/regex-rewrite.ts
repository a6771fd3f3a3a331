import { RE2JS } from "re2js";
import type { RegexRewrite } from "../../config/model";

export type Rewriter = (text: string) => string;

/** Replaces every match, as RE2's `GlobalReplace`: `\0` to `\9` in the substitution are groups, `\\` a backslash. */
export function regexRewriter({ pattern, substitution }: RegexRewrite): Rewriter {
  const compiled = RE2JS.compile(pattern, RE2JS.DISABLE_UNICODE_GROUPS);
  const parts = [...substitution.matchAll(/\\(.)|[^\\]+/gs)].map(([text, code]) =>
    code === undefined ? text : code === "\\" ? "\\" : Number(code),
  );
  return (text) => {
    const matcher = compiled.matcher(text);
    let result = "";
    let from = 0;
    let last = -1;
    while (matcher.find()) {
      // Right behind a match there is no empty one.
      if (matcher.start() === last && matcher.end() === last) continue;
      result += text.slice(from, matcher.start());
      for (const part of parts) result += typeof part === "string" ? part : (matcher.group(part) ?? "");
      from = matcher.end();
      last = from;
    }
    return result + text.slice(from);
  };
}
