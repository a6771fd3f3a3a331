import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as errors from "../../host/errors";

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = readFileSync(join(root, "host/errors.ts"), "utf8");

/** Error classes as host/errors.ts defines them: doc comment, name, code. */
const classes = [
  ...source.matchAll(
    /\/\*\* ([^*]+) \*\/\nexport class (\w+) extends ProxyWasmError \{[\s\S]*?super\("(PW_\w+)"/g,
  ),
].map(([, doc, name, code]) => ({ doc: doc!, name: name!, code: code! }));

function page(): string {
  const rows = [...classes]
    .sort((a, b) => (a.code < b.code ? -1 : 1))
    .map(
      ({ doc, name, code }) => `| \`${code}\` | \`${name}\` | ${doc} | ${name === "UsageError" ? 2 : 1} |`,
    );
  return `# Errors

Every error this package throws on purpose is a \`ProxyWasmError\`; its \`code\` is stable and safe to test for.
Messages may change. The last column is the exit code of \`proxy-wasm\`.

| code | class | meaning | exit |
| --- | --- | --- | --- |
${rows.join("\n")}

A \`ConfigError\` holds every problem found in the file as \`issues\`; printed, each is one line
\`file:line:column: field.path: message\`. An error without a code is a bug: please report it.

This page is made from \`host/errors.ts\` by \`test/contract/errors.test.ts\` (\`npx vitest run -u test/contract\`).
`;
}

describe("error codes", () => {
  it("stand in docs/errors.md", async () => {
    await expect(page()).toMatchFileSnapshot(join(root, "docs/errors.md"));
  });

  it("belong to one class each, and every class has one", () => {
    expect(new Set(classes.map((c) => c.code)).size).toBe(classes.length);
    const exported = Object.entries(errors)
      .filter(([, value]) => typeof value === "function" && /^class/.test(String(value)))
      .map(([name]) => name)
      .filter((name) => name !== "ProxyWasmError");
    expect(classes.map((c) => c.name).sort()).toEqual(exported.sort());
  });

  it("are the only ones thrown", () => {
    const known = new Set(classes.map((c) => c.code));
    const used = globSync("{host,scripts}/**/*.{ts,mjs}", { cwd: root }).flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(/\bPW_[A-Z_]+\b/g)].map(([code]) => code),
    );
    expect(used.filter((code) => !known.has(code))).toEqual([]);
  });
});
