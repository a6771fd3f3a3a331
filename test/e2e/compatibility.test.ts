import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ENVOY_VERSION, ENVOY_VERSIONS, resolveEnvoy } from "../../host/envoy/index";
import { Program, root } from "./support/program";

const page = readFileSync(join(root, "docs/compatibility.md"), "utf8");
const row = (what: string) => new RegExp(`^\\| ${what} \\| ([^|]+) \\|`, "m").exec(page)?.[1];

describe("docs/compatibility.md", () => {
  const { engines, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

  it("says what is pinned and tested", () => {
    expect(row("Envoy, running modules")?.split(", ")).toEqual(ENVOY_VERSIONS.toReversed());
    expect(row("Envoy, compared with")).toBe(ENVOY_VERSION);
    expect(row("Node, for the command and the library")).toBe(engines.node);
    expect(row("AssemblyScript")).toBe(dependencies.assemblyscript);
  });
});

/** What runs on an Envoy that the Node engine is not compared with. */
const SUITES = [
  "examples",
  "test/sdk/engines/features.test.ts",
  "test/sdk/engines/regressions.test.ts",
  "test/filters/engines/answers.test.ts",
  "test/filters/engines/metrics.test.ts",
];

describe.each(ENVOY_VERSIONS.filter((version) => version !== ENVOY_VERSION))("Envoy %s", (version) => {
  it("runs the examples, the SDK and the filters", { timeout: 400_000 }, async (context) => {
    const env = { ...process.env, ENVOY_PATH: "", ENVOY_VERSION: version };
    try {
      await resolveEnvoy({ env, onProgress: (line) => console.log(line) });
    } catch (error) {
      if (process.env.CI === "true") throw error;
      context.skip(`no Envoy ${version} to be had: ${(error as Error).message}`);
    }
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const args = [vitest, "run", "--project", "conformance", "--testTimeout", "60000", ...SUITES];
    const program = new Program(process.execPath, args, {
      env: { ...env, ENGINES: "envoy", SKIP_BUILD: "1", NO_COLOR: "1" },
    });
    const { code } = await program.exit;
    expect(`${program.stdout}\n${program.stderr}`).toMatch(/^[1-9]\d* passed, 0 failed, \d+ skipped$/m);
    expect(code).toBe(0);
  });
});
