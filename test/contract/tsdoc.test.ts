import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

/** Files that a barrel exports from, and the names it takes; undefined = all. */
function exportsOf(barrel: string): Map<string, Set<string> | undefined> {
  const files = new Map<string, Set<string> | undefined>();
  for (const [, list, from] of read(barrel).matchAll(/export (?:type )?(\*|\{[^}]*\}) from "([^"]+)"/g)) {
    const path = join(dirname(barrel), from!);
    const file = existsSync(join(root, `${path}.ts`)) ? `${path}.ts` : join(path, "index.ts");
    const names = list!.match(/\w+(?= as )|\w+/g)?.filter((name) => name !== "type" && name !== "as");
    files.set(file, list === "*" ? undefined : new Set([...(files.get(file) ?? []), ...(names ?? [])]));
  }
  return files;
}

/** Names without a comment, as the formatter lays files out: declarations at the margin, members two in from it. */
function undocumented(file: string, names: Set<string> | undefined): string[] {
  const found: string[] = [];
  let before = "";
  let comment = "";
  let owner = "";
  for (const line of read(file).split("\n")) {
    if (/^\s*\/\*\*/.test(line)) comment = "";
    if (/^\s*(\/\*\*|\*)/.test(line)) comment += line;
    const documented = /\*\/\s*$/.test(before);
    const declared =
      /^export (?:abstract |const |declare )*(class|function|const|enum|interface|type) (\w+)/.exec(line);
    if (declared) {
      const [, kind, name] = declared as unknown as [string, string, string];
      const isPublic = (!names || names.has(name)) && !(documented && comment.includes("@internal"));
      owner = isPublic && /class|interface/.test(kind) ? name : "";
      if (isPublic && !documented) found.push(`${file}: ${name}`);
    } else if (/^\S/.test(line) && !/^[@}]/.test(line)) owner = "";
    const member = /^ {2}(?:static |readonly |abstract |get |set )*([a-z]\w*)(?:<.*?>)?[(:?]/.exec(line);
    if (owner && member && member[1] !== "constructor" && !documented)
      found.push(`${file}: ${owner}.${member[1]}`);
    // A decorator stands between a comment and what it is for.
    if (!/^\s*@\w+$/.test(line)) before = line;
  }
  return found;
}

/** What a regular expression is made of: nothing for authors. */
const PARTS = /regex-|rune-set/;

test("every public name of the SDK has a comment", () => {
  const files = exportsOf("sdk/index.ts");
  expect(files.size).toBeGreaterThan(30);
  for (const file of globSync("sdk/text/*.ts", { cwd: root }))
    if (!PARTS.test(file)) files.set(file, undefined);
  expect([...files].flatMap(([file, names]) => undocumented(file, names))).toEqual([]);
});
