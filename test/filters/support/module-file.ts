import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildModule } from "../../../host/build/index";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Compiles a filter (a folder, or a file without `.ts`) and answers the module's path. */
export async function moduleFile(source: string): Promise<string> {
  const entry = source.startsWith("filters/") ? `${source}/index.ts` : `${source}.ts`;
  const { wasm } = await buildModule({ entry: join(root, entry) });
  const folder = join(root, "build/test-filters");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${source.replaceAll("/", "-")}.wasm`);
  // Through a rename: test files compile side by side.
  const staged = `${file}.${process.pid}`;
  writeFileSync(staged, wasm);
  renameSync(staged, file);
  return file;
}
