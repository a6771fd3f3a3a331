import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildModule } from "../../../host/build/index";

const guests = fileURLToPath(new URL("../guests", import.meta.url));
const cache = fileURLToPath(new URL("../../../build/test-sdk", import.meta.url));

/** Compiles `test/sdk/guests/<name>.ts` and answers the module's path. */
export async function buildGuest(name: string): Promise<string> {
  const { wasm } = await buildModule({ entry: join(guests, `${name}.ts`) });
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `${name}.wasm`);
  // Through a rename: test files compile side by side.
  const staged = `${file}.${process.pid}`;
  writeFileSync(staged, wasm);
  renameSync(staged, file);
  return file;
}
