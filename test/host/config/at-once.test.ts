import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadBootstrap } from "../../../host/config/index";
import { ConfigError } from "../../../host/errors";

const HELLO = readFileSync(new URL("../../../examples/hello/envoy.yaml", import.meta.url), "utf8");

function problems(text: string): string[] {
  const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-config-"));
  const file = join(dir, "f.yaml");
  writeFileSync(file, text);
  try {
    loadBootstrap(file);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  } finally {
    rmSync(dir, { recursive: true });
  }
  return [];
}

test("regression: unknown clusters, duplicates and missing modules were told only once everything else was right", () => {
  const cluster = "    - { name: twice, type: MAGIC }\n    - { name: twice }\n";
  const text = HELLO.replace(/route: \{ cluster: \w+ \}/, "route: { cluster: nowhere }")
    .replace(/filename: [^\s}]+/, "filename: no/such.wasm")
    .replace(/^( {2}clusters:\n)/m, `$1${cluster}`)
    .concat("layered_runtime: {}\n");
  const found = problems(text).join("\n");
  expect(found).toContain('unknown cluster "nowhere"');
  expect(found).toContain('cannot read the module "no/such.wasm"');
  expect(found).toContain('another cluster is called "twice" too');
  expect(found).toContain("static_resources.clusters[0].type: expected one of");
  expect(found).toContain("layered_runtime: not supported by the node engine");
});
