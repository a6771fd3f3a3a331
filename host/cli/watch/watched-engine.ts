import { readFileSync } from "node:fs";
import { basename, relative } from "node:path";
import { outline } from "../../config/index";
import type { Engine, EngineOptions, RunningEngine } from "../../engine";
import { FileWatcher } from "./file-watcher";
import type { ModuleBuilds } from "./module-builds";
import { OneAtATime } from "./one-at-a-time";

/** Requests of the old proxy get this long when a new one has to take its ports. */
const HANDOVER_MS = 1000;

/** What a watched proxy tells. */
export interface WatchReports {
  /** Something was taken over. */
  say(line: string): void;
  /** Something was refused; what ran before runs on. */
  refuse(error: unknown): void;
}

/**
 * A proxy that follows its files: sources are compiled, and a file that has changed is tried before it counts. What the
 * running proxy can take over by itself it does; else a second one on free ports shows that the file is good, and a third
 * takes the place of the first.
 */
export class WatchedEngine implements RunningEngine {
  readonly engine;
  readonly ended: Promise<{ code: number; reason: string }>;
  readonly #watcher: FileWatcher;
  readonly #changes: OneAtATime;
  #resolveEnded!: (end: { code: number; reason: string }) => void;
  #running: RunningEngine;
  #replacing = false;
  #stopping = false;

  private constructor(
    private readonly proxy: Engine,
    private readonly options: EngineOptions,
    private readonly builds: ModuleBuilds,
    private readonly reports: WatchReports,
    running: RunningEngine,
  ) {
    this.engine = proxy.name;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#running = running;
    this.#changes = new OneAtATime((files) => this.#follow(files));
    this.#watcher = new FileWatcher((files) => this.#changes.add(files));
    this.#watchAll();
    this.#attach(running);
  }

  /** Compiles and starts; rejects as `Engine.start` does, and with BuildError. */
  static async start(
    engine: Engine,
    options: EngineOptions,
    builds: ModuleBuilds,
    reports: WatchReports,
  ): Promise<WatchedEngine> {
    return new WatchedEngine(engine, options, builds, reports, await engine.start(options));
  }

  get admin() {
    return this.#running.admin;
  }

  get listeners() {
    return this.#running.listeners;
  }

  async stop(drainMs?: number): Promise<void> {
    this.#leave();
    await this.#changes.idle();
    await this.#running.stop(drainMs);
  }

  async kill(): Promise<void> {
    this.#leave();
    await this.#running.kill();
  }

  #leave(): void {
    this.#stopping = true;
    this.#watcher.close();
  }

  #attach(running: RunningEngine): void {
    this.#running = running;
    void running.ended.then((end) => {
      if (this.#replacing || this.#running !== running) return;
      this.#watcher.close();
      this.#resolveEnded(end);
    });
  }

  /** The bootstrap, what it names, and the sources; of a bootstrap that cannot be read now, what it named before. */
  #watchAll(): void {
    const { configPath } = this.options;
    let named: string[];
    try {
      named = outline(readFileSync(configPath, "utf8"), configPath).files;
    } catch {
      named = this.#watcher.files;
    }
    this.#watcher.watch([configPath, ...named, ...this.builds.sources]);
  }

  async #follow(files: readonly string[]): Promise<void> {
    if (this.#stopping) return;
    const began = performance.now();
    const what = files.map((file) => relative("", file)).join(", ");
    try {
      const made = await this.builds.run(files);
      this.#watcher.accept(made);
      this.#watchAll();
      const how = await this.#takeOver();
      const ms = Math.round(performance.now() - began);
      const compiled = made.length > 0 ? `, compiled ${made.map((file) => basename(file)).join(", ")}` : "";
      if (how) this.reports.say(`${what} changed${compiled}: ${how} in ${ms} ms`);
    } catch (error) {
      if (this.#stopping) return;
      this.#watchAll();
      this.reports.refuse(error);
    }
  }

  /** Answers what has happened; undefined when everything is as it was. Throws what speaks against the files. */
  async #takeOver(): Promise<string | undefined> {
    const answer = await this.#running.reload?.();
    if (answer && answer !== "restart") return answer.length > 0 ? `swapped ${answer.join(", ")}` : undefined;
    await this.#tryOut();
    if (this.#stopping) return undefined;
    this.#replacing = true;
    try {
      await this.#running.stop(HANDOVER_MS);
      this.#attach(await this.proxy.start(this.options));
    } catch (error) {
      // Nothing runs any longer: the end says why.
      this.#leave();
      this.#resolveEnded({ code: 1, reason: (error as Error).message });
      throw error;
    } finally {
      this.#replacing = false;
    }
    const places = this.listeners.map(({ name, host, port }) => `${name} ${host}:${port}`);
    return `restarted (${places.join(", ")})`;
  }

  /** A whole start beside the running proxy, plugins and all. */
  async #tryOut(): Promise<void> {
    const { configPath, set = [] } = this.options;
    const { freePorts } = outline(readFileSync(configPath, "utf8"), configPath);
    const lines: string[] = [];
    const trial = await this.proxy.start({
      ...this.options,
      set: [...set, ...freePorts],
      writeLog: (line) => void lines.push(line),
    });
    await trial.kill();
  }
}
