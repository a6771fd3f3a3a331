import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { applySet } from "../config/index";
import type { Engine, EngineOptions, RunningEngine } from "../engine";
import { StartError } from "../errors";
import { type AdminAddress, askAdmin, askListeners, parseAddress } from "./admin-client";
import { envoyArguments } from "./command-line";
import { envoyInContainer } from "./container";
import { drain } from "./drain";
import { EnvoyProcess, type Exit, type Launch } from "./envoy-process";
import { resolveEnvoy } from "./resolve";

const READY_POLL_MS = 5;

/** Real Envoy, driven as a child process or in a container. */
export const envoyEngine: Engine = {
  name: "envoy",
  async start(options: EngineOptions): Promise<RunningEngine> {
    const folder = await mkdtemp(join(tmpdir(), "proxy-wasm-envoy-"));
    try {
      const text = await readConfig(options.configPath);
      const config = await configFile(options, text, folder);
      const adminAddress = join(folder, "admin-address");
      const hasAdmin = declaresAdmin(text);
      const envoy = new EnvoyProcess(
        await launch([config, adminAddress]),
        envoyArguments(options, { config, adminAddress, hasAdmin }),
        options.writeLog ?? ((line) => process.stderr.write(line, "latin1")),
      );
      return await running(envoy, adminAddress, hasAdmin);
    } catch (error) {
      throw error instanceof StartError ? new StartError(`${options.configPath}: ${error.message}`) : error;
    } finally {
      // Envoy reads its file once; the admin address is known by now.
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** `ENVOY_IMAGE` asks for a container; the path of a binary is the more precise wish. */
async function launch(files: readonly string[]): Promise<Launch> {
  const { ENVOY_IMAGE, ENVOY_PATH } = process.env;
  const onProgress = (line: string) => process.stderr.write(`${line}\n`);
  if (ENVOY_IMAGE && !ENVOY_PATH) return envoyInContainer(ENVOY_IMAGE, files, onProgress);
  return { file: (await resolveEnvoy({ onProgress })).path, args: [] };
}

async function readConfig(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new StartError(`${error.code === "ENOENT" ? "no such file" : error.message}`);
  });
}

/** The user's own file, or a copy with the overrides in it. */
async function configFile(options: EngineOptions, text: string, folder: string): Promise<string> {
  const { configPath, set = [] } = options;
  if (set.length === 0) return configPath;
  const copy = join(folder, basename(configPath));
  await writeFile(copy, applySet(text, configPath, set));
  return copy;
}

/** Only the question whether there is an `admin` block; Envoy itself judges the file. */
function declaresAdmin(text: string): boolean {
  try {
    const document: unknown = parse(text);
    return typeof document === "object" && document !== null && "admin" in document;
  } catch {
    return false;
  }
}

async function running(envoy: EnvoyProcess, adminFile: string, hasAdmin: boolean): Promise<RunningEngine> {
  let exit: Exit | undefined;
  void envoy.exited.then((value) => {
    exit = value;
  });
  let admin: AdminAddress | undefined;
  while (exit === undefined) {
    admin ??= parseAddress(await readFile(adminFile, "utf8").catch(() => ""));
    if (admin && (await isReady(admin))) break;
    await sleep(READY_POLL_MS);
  }
  if (exit !== undefined || admin === undefined)
    throw new StartError(envoy.lastWords.message || `envoy ended while starting (${describe(exit!)})`);
  const control = admin;
  let stopping = false;
  return {
    engine: "envoy",
    admin: hasAdmin ? control : undefined,
    listeners: await askListeners(control),
    ended: envoy.exited.then((end) => verdict(end, stopping, envoy)),
    async stop(drainMs = 10_000) {
      stopping = true;
      await drain(control, drainMs, envoy.exited);
      envoy.signal("SIGTERM");
      await envoy.exited;
    },
    reopenLogs() {
      envoy.signal("SIGUSR1");
    },
    async kill() {
      stopping = true;
      envoy.signal("SIGKILL");
      await envoy.exited;
    },
  };
}

async function isReady(admin: AdminAddress): Promise<boolean> {
  const reply = await askAdmin(admin, "GET", "/ready").catch(() => undefined);
  return reply?.status === 200;
}

function verdict(exit: Exit, stopping: boolean, envoy: EnvoyProcess): { code: number; reason: string } {
  if (stopping) return { code: 0, reason: "stopped" };
  if (exit.code === 0 && !envoy.lastWords.signalled)
    return { code: 0, reason: "quit through its admin interface" };
  const last = envoy.lastWords.message;
  return { code: 1, reason: `envoy died (${describe(exit)})${last ? `: ${last}` : ""}` };
}

function describe({ code, signal }: Exit): string {
  return signal ? `signal ${signal}` : `exit code ${code}`;
}
