import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { forgetModules, type LoadedScenario } from "../../testing/scenario/index";
import { report } from "../report";
import { FileWatcher } from "./file-watcher";
import { OneAtATime } from "./one-at-a-time";

export interface ScenarioRuns {
  load(file: string): Promise<LoadedScenario>;
  run(scenarios: readonly LoadedScenario[]): Promise<void>;
}

/** Runs scenarios, then those that a change can have touched, for as long as the process lives. */
export function watchScenarios(files: readonly string[], runs: ScenarioRuns): Promise<never> {
  /** By scenario: the files that decide what it does. */
  const sources = new Map<string, readonly string[]>();
  const watcher = new FileWatcher((changed) => changes.add(changed));
  const changes = new OneAtATime(async (changed) => {
    const began = performance.now();
    const touched = files.filter((file) => {
      const known = sources.get(file);
      return known === undefined || known.some((source) => changed.includes(source));
    });
    forgetModules();
    const loaded: LoadedScenario[] = [];
    for (const file of touched) {
      try {
        const scenario = await runs.load(file);
        sources.set(file, scenario.sources);
        loaded.push(scenario);
      } catch (error) {
        // Whatever is mended next may be what was missing; what was known still counts.
        sources.set(file, [...new Set([...(sources.get(file) ?? []), ...likelySources(file)])]);
        report(error);
      }
    }
    watcher.watch(new Set([...sources.values()].flat()));
    if (loaded.length > 0) await runs.run(loaded).catch(report);
    const ms = Math.round(performance.now() - began);
    process.stderr.write(`${ms} ms; watching ${watcher.files.length} files, Ctrl-C ends\n`);
  });
  changes.add(files.map((file) => resolve(file)));
  return new Promise(() => {});
}

/** The scenario and the sources beside it: all there is to go by when it has not been read yet. */
function likelySources(file: string): string[] {
  const folder = dirname(resolve(file));
  const beside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return [
    resolve(file),
    ...beside.map(({ name }) => join(folder, name)).filter((path) => /\.(ts|wasm)$/.test(path)),
  ];
}
