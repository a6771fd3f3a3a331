import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(join(root, file), "utf8");
const pages = globSync(
  "{README.md,CHANGELOG.md,docs/*.md,sdk/*.md,examples/*.md,{examples,filters}/*/*.md}",
  {
    cwd: root,
  },
);

describe("documents", () => {
  it("README and docs/writing-a-filter.md show examples/hello as it is, in at most 12 lines", () => {
    const hello = read("examples/hello/index.ts");
    expect(hello.trimEnd().split("\n").length).toBeLessThanOrEqual(12);
    for (const page of ["README.md", "docs/writing-a-filter.md"])
      expect(read(page)).toContain(`\`\`\`ts\n${hello}\`\`\``);
  });

  it("README names the two commands, and package.json has them", () => {
    const { scripts } = JSON.parse(read("package.json"));
    for (const command of ["start", "test"]) {
      expect(read("README.md")).toMatch(new RegExp(`^npm ${command}\\b`, "m"));
      expect(scripts).toHaveProperty(command);
    }
  });

  it("docs/rationale.md has a word for every dependency", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json"));
    const text = read("docs/rationale.md");
    const names = Object.keys({ ...dependencies, ...devDependencies });
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it("examples/README.md names every example", () => {
    const folders = globSync("examples/*/README.md", { cwd: root }).map((page) => basename(dirname(page)));
    const listed = [...read("examples/README.md").matchAll(/^\| \[([\w-]+)\]\(\1\)/gm)].map(
      ([, name]) => name,
    );
    expect(listed.sort()).toEqual(folders.sort());
  });

  it.each(pages)("%s: relative links lead to files", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, to]) => to!)
      .filter((to) => !/^[a-z]+:/.test(to));
    expect(links.filter((to) => !existsSync(join(root, dirname(page), to)))).toEqual([]);
  });

  it("docs/testing.md shows a test and a scenario that pass here", () => {
    const shown = /```ts\n([\s\S]*?)```/.exec(read("docs/testing.md"))![1]!;
    const test = /^test\([\s\S]*/m.exec(shown)![0];
    expect(read("test/host/testing/documented.test.ts")).toContain(test);
    const scenario = read("examples/sidecar/private.scenario.yaml");
    expect(read("docs/testing.md")).toContain(`\`\`\`yaml\n${scenario}\`\`\``);
  });

  it("LICENSE is Apache-2.0, as package.json says", () => {
    expect(JSON.parse(read("package.json")).license).toBe("Apache-2.0");
    const text = read("LICENSE");
    expect(text).toContain("Apache License");
    expect(text).toContain("9. Accepting Warranty or Additional Liability.");
    expect(text).toContain("END OF TERMS AND CONDITIONS");
  });
});
