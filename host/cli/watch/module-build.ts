import { UsageError } from "../../errors";

/** `--build entry=module`: where a module comes from. */
export interface ModuleBuild {
  entry: string;
  module: string;
}

/** Reads `entry=module`; throws UsageError. */
export function parseBuild(text: string): ModuleBuild {
  const at = text.lastIndexOf("=");
  if (at < 1 || at === text.length - 1)
    throw new UsageError(`--build ${text}: expected entry=module, e.g. index.ts=build/my-filter.wasm`);
  return { entry: text.slice(0, at), module: text.slice(at + 1) };
}
