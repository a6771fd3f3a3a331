import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { readDocument } from "../../config/document";
import { UsageError } from "../../errors";
import { loadModule } from "../module-cache";
import { type Scenario, scenario } from "./schema";

/** A scenario whose modules are there, compiled if need be. */
export interface LoadedScenario extends Scenario {
  file: string;
  title: string;
  /** Paths of the plugins' modules, in their order. */
  modules: string[];
}

/** Reads a scenario file; modules count from its folder. Throws ConfigError, BuildError, ModuleError, UsageError. */
export async function loadScenario(file: string): Promise<LoadedScenario> {
  const read = readDocument(readText(file), file, scenario);
  const modules = await Promise.all(
    read.plugins.map(async ({ module }) => (await loadModule(resolve(dirname(file), module))).file),
  );
  return { ...read, file, title: read.name ?? file, modules };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
