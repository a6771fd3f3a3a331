import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, inject } from "vitest";
import type { EngineName, EngineOptions, RunningEngine } from "../../host/engine";
import type { LogLevel } from "../../sdk/abi/log-level";
import { withoutHits } from "./coverage/hits";
import { loadEngine, wantedEngines } from "./engines";
import { LogBook } from "./log-book";
import { recordTest, startRecording, startTest } from "./recorder";

export interface StartOptions {
  /** Extra files put beside the bootstrap; `@dir@` in its text stands for their folder. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  set?: readonly string[];
  lenient?: boolean;
  /** Folder of modules for Envoy's own filters (node engine only). */
  substitute?: string;
  /** Worker threads; default 1. */
  concurrency?: number;
  logLevel?: LogLevel;
  componentLogLevels?: EngineOptions["componentLogLevels"];
  /** Milliseconds until lines of access logs are written at the latest. */
  logFlushMs?: number;
}

/** A proxy that is up, with what tests ask of it. */
export class ProxyUnderTest {
  constructor(
    readonly running: RunningEngine,
    readonly log: LogBook,
  ) {}

  /** Port of a listener; of the first one without a name. */
  port(name?: string): number {
    const listeners = this.running.listeners;
    const found = name === undefined ? listeners[0] : listeners.find((listener) => listener.name === name);
    if (!found) throw new Error(`no listener ${name ?? ""}; there are ${listeners.map((l) => l.name)}`);
    return found.port;
  }

  /** Base URL of a listener, without a slash at the end. */
  url(name?: string): string {
    return `http://127.0.0.1:${this.port(name)}`;
  }

  get adminUrl(): string {
    const { admin } = this.running;
    if (!admin) throw new Error("this bootstrap has no admin block");
    return `http://127.0.0.1:${admin.port}`;
  }

  /** GETs (or POSTs) a path of the admin interface; the text of a 200, else an error. */
  async admin(path: string, method: "GET" | "POST" = "GET"): Promise<string> {
    const response = await fetch(this.adminUrl + path, { method, headers: { connection: "close" } });
    const text = await response.text();
    if (!response.ok) throw new Error(`admin ${path}: ${response.status} ${text}`);
    return text;
  }

  /** The value of one counter or gauge by its raw name, 0 when it does not exist yet. */
  async stat(name: string): Promise<number> {
    const text = await this.admin(`/stats?filter=${encodeURIComponent(`^${RegExp.escape(name)}$`)}`);
    return Number(text.split(": ")[1] ?? 0);
  }
}

/** One engine as a test body sees it. */
export class EngineUnderTest {
  readonly #cleanups: (() => Promise<unknown>)[] = [];
  /** Log of the newest start, also of one that failed. */
  lastLog = new LogBook();

  constructor(readonly name: EngineName) {}

  /**
   * Starts the proxy from a bootstrap (an object, or YAML text); it is stopped after the tests of this block.
   *
   * @example const proxy = await engine.start({ static_resources: { ... } });
   */
  async start(bootstrap: object | string, options: StartOptions = {}): Promise<ProxyUnderTest> {
    const dir = await mkdtemp(join(tmpdir(), "proxy-wasm-test-"));
    this.#cleanups.push(() => rm(dir, { recursive: true, force: true }));
    const text = typeof bootstrap === "string" ? bootstrap : JSON.stringify(bootstrap, null, 1);
    const file = join(dir, typeof bootstrap === "string" ? "envoy.yaml" : "envoy.json");
    await writeFile(file, text.replaceAll("@dir@", dir));
    for (const [name, content] of Object.entries(options.files ?? {}))
      await writeFile(join(dir, name), content);
    return this.startFile(file, options);
  }

  /** Starts the proxy from a file as it stands. */
  async startFile(configPath: string, options: StartOptions = {}): Promise<ProxyUnderTest> {
    const log = new LogBook();
    this.lastLog = log;
    const engine = await loadEngine(this.name);
    const { files: _, ...rest } = options;
    const running = await engine.start({
      configPath,
      concurrency: 1,
      ...rest,
      writeLog: withoutHits(log.write),
    });
    this.#cleanups.push(() => running.kill());
    void running.ended.then(({ code, reason }) => {
      // Whoever waits for a line sees why the proxy is gone.
      if (code !== 0) log.write(`the ${this.name} engine ended: ${reason}\n`);
    });
    return new ProxyUnderTest(running, log);
  }

  async cleanUp(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
  }
}

/** Runs one body of tests on every engine. An engine that is not to be had is left out; the run says so at its start. */
export function describeEngines(title: string, body: (engine: EngineUnderTest) => void): void {
  for (const name of wantedEngines()) {
    const missing = name === "envoy" && inject("envoy") === undefined;
    describe.skipIf(missing)(`${title} [${name}]`, () => {
      const engine = new EngineUnderTest(name);
      beforeAll(startRecording);
      beforeEach(startTest);
      afterEach(recordTest);
      body(engine);
      afterAll(() => engine.cleanUp());
    });
  }
}

declare module "vitest" {
  export interface ProvidedContext {
    /** Path of Envoy, undefined when there is none. */
    envoy: string | undefined;
  }
}
