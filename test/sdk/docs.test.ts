import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildModule } from "../../host/build/index";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Whole filters that a page shows. */
function filters(page: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map(([, source]) => source!)
    .filter((source) => source.includes("registerHttp<"));
}

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "docs-"));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(root, join(project, "node_modules/proxy-wasm-toolkit"));
  writeFileSync(join(project, "package.json"), "{}");
});
afterAll(() => rmSync(project, { recursive: true }));

describe.each(["docs/writing-a-filter.md", "sdk/README.md"])("%s", (page) => {
  test.each(filters(page).map((source, index) => [index + 1, source] as const))(
    "filter %i compiles",
    async (index, source) => {
      const entry = join(project, `${page.replaceAll("/", "-")}-${index}.ts`);
      writeFileSync(entry, source);
      const { exports } = await buildModule({ entry });
      expect(exports.length).toBeGreaterThan(4);
    },
    60_000,
  );
});
