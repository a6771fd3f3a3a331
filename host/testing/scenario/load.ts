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
  /** Absolute paths of the files that decide what it does: its own, and what the modules were made from. */
  sources: string[];
}

/** Reads a scenario file; modules count from its folder. Throws ConfigError, BuildError, ModuleError, UsageError. */
export async function loadScenario(file: string): Promise<LoadedScenario> {
  const read = readDocument(readText(file), file, scenario);
  const loaded = await Promise.all(
    read.plugins.map(({ module }) => loadModule(resolve(dirname(file), module))),
  );
  return {
    ...read,
    file,
    title: read.name ?? file,
    modules: loaded.map((module) => module.file),
    sources: [resolve(file), ...loaded.flatMap((module) => module.sources)],
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
