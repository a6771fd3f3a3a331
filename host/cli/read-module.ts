import { readFileSync } from "node:fs";
import { ModuleError } from "../errors";

/** Hands a module's bytes on. Throws ModuleError naming the file: when there is none, or when `use` says it is no good. */
export async function readModule<T>(
  file: string,
  use: (bytes: Uint8Array<ArrayBuffer>) => T | Promise<T>,
): Promise<T> {
  const bytes = read(file);
  try {
    return await use(bytes);
  } catch (error) {
    if (error instanceof ModuleError) throw new ModuleError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

function read(file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ModuleError(`${file}: ${code === "ENOENT" ? "no such file" : message}`, { cause: error });
  }
}
