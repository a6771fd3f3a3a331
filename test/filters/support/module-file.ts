import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildModule } from "../../../host/build/index";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A module's path: of a ready-made filter (its folder) as it was built for this run, of a guest (a file without `.ts`) compiled now. */
export async function moduleFile(source: string): Promise<string> {
  if (source.startsWith("filters/")) return join(root, "build", `${source}.wasm`);
  const { wasm } = await buildModule({ entry: join(root, `${source}.ts`) });
  const folder = join(root, "build/test-filters");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${source.replaceAll("/", "-")}.wasm`);
  // Through a rename: test files compile side by side.
  const staged = `${file}.${process.pid}`;
  writeFileSync(staged, wasm);
  renameSync(staged, file);
  return file;
}
