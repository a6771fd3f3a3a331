import { resolve } from "node:path";
import { buildModule } from "../../build/index";
import type { ModuleBuild } from "./module-build";

/** Compiles modules, and knows which files each was made from. */
export class ModuleBuilds {
  readonly #builds: readonly ModuleBuild[];
  readonly #sources = new Map<ModuleBuild, ReadonlySet<string>>();

  constructor(builds: readonly ModuleBuild[]) {
    this.#builds = builds;
  }

  /** Everything modules were made from; of one that has never compiled its entry. */
  get sources(): string[] {
    return this.#builds.flatMap((build) => [...(this.#sources.get(build) ?? [resolve(build.entry)])]);
  }

  /**
   * Compiles what the changed files are part of, or all. In debug form: it takes half the time, and traps show lines.
   * Answers the modules that were made. Throws BuildError; modules on disk are whole ones, old or new.
   */
  async run(changed?: readonly string[]): Promise<string[]> {
    const made: string[] = [];
    for (const build of this.#builds) {
      const sources = this.#sources.get(build);
      if (changed && sources && !changed.some((file) => sources.has(file))) continue;
      const built = await buildModule({ entry: build.entry, outFile: build.module, debug: true });
      this.#sources.set(build, new Set(built.sources.map((source) => resolve(source))));
      made.push(build.module);
    }
    return made;
  }
}
