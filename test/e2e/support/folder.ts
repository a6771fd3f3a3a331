import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder with these files for the length of one test; objects are written as JSON. */
export function folder(files: Readonly<Record<string, string | Uint8Array | object>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "proxy-wasm-e2e-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    const plain = typeof content === "string" || content instanceof Uint8Array;
    writeFileSync(file, plain ? content : JSON.stringify(content, null, 2));
  }
  return path;
}
