import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { envoyEngine } from "../../host/envoy/index";
import { nodeEngine } from "../../host/proxy/index";
import { LogLevel } from "../../sdk/abi/log-level";
import { cpuOf, envoyPid, pin } from "../support/process";
import { writeBootstrap } from "./bootstrap";
import { startFastProxy, startHttp2Proxy } from "./peers";
import { startUpstream } from "./upstream";

/** Ports of the app behind all subjects. */
export interface Upstream {
  http1: number;
  http2: number;
}

/** What is measured: a proxy in a process of its own. */
export interface Subject {
  name: string;
  port: number;
  /** Nanoseconds it has run so far. */
  cpu(): number;
  stop(): void;
}

/** What a child process of the bench may be; each answers the ports it listens on. */
const ROLES: Readonly<Record<string, (argument: string) => Promise<unknown>>> = {
  upstream: () => startUpstream(),
  ours: async (configPath) => {
    const proxy = await nodeEngine.start({ configPath, logLevel: LogLevel.Error });
    return proxy.listeners[0]!.port;
  },
  "fast-proxy": (upstream) => startFastProxy(Number(upstream), false),
  "fast-proxy undici": (upstream) => startFastProxy(Number(upstream), true),
  "http2-proxy": (upstream) => startHttp2Proxy(Number(upstream)),
};

/** The bench's own file, started with a role: plays it, and tells its parent where. */
export async function playRole([role = "", argument = ""]: readonly string[]): Promise<void> {
  process.send!(await ROLES[role]!(argument));
  // Its parent is gone.
  process.once("disconnect", () => process.exit());
}

async function child<T>(role: string, argument: string): Promise<{ answer: T; process: ChildProcess }> {
  const process_ = spawn(process.execPath, [...process.execArgv, process.argv[1]!, "role", role, argument], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [answer] = (await once(process_, "message")) as [T];
  return { answer, process: process_ };
}

/** The last processor is the subjects' alone, when there is more than one; all else runs on the others. */
const OWN = cpus().length - 1;

/** The app behind all subjects. */
export async function openUpstream(): Promise<Upstream & { stop(): void }> {
  const { answer, process: app } = await child<Upstream>("upstream", "");
  if (OWN > 0) for (const pid of [app.pid!, process.pid]) pin(pid, 0);
  return { ...answer, stop: () => app.disconnect() };
}

export async function nodeSubject(name: string, role: string, argument: string): Promise<Subject> {
  const { answer: port, process: proxy } = await child<number>(role, argument);
  pin(proxy.pid!, OWN);
  return { name, port, cpu: () => cpuOf(proxy.pid!), stop: () => proxy.disconnect() };
}

export async function envoySubject(name: string, configPath: string): Promise<Subject> {
  const running = await envoyEngine.start({ configPath, concurrency: 1, logLevel: LogLevel.Error });
  const pid = envoyPid(configPath);
  pin(pid, OWN);
  return { name, port: running.listeners[0]!.port, cpu: () => cpuOf(pid), stop: () => void running.kill() };
}

/** Everything that is asked for that kind of traffic, or what is wanted of it. */
export async function openSubjects(
  kind: "http1" | "http2" | "grpc",
  upstream: Upstream,
  wanted: (name: string) => boolean,
): Promise<Subject[]> {
  const file = (filters: boolean, http2 = false) =>
    writeBootstrap({ upstream: http2 ? upstream.http2 : upstream.http1, http2, filters });
  const ours = (filters: boolean, http2?: boolean) => (name: string) =>
    nodeSubject(name, "ours", file(filters, http2));
  const envoy = (filters: boolean, http2?: boolean) => (name: string) =>
    envoySubject(name, file(filters, http2));
  const peer = (name: string) => nodeSubject(name, name, String(upstream.http1));
  const common = {
    ours: ours(false),
    "ours + filters": ours(true),
    Envoy: envoy(false),
    "Envoy + filters": envoy(true),
  };
  const others = {
    http1: { "fast-proxy": peer, "fast-proxy undici": peer },
    http2: { "http2-proxy": peer },
    grpc: {
      "http2-proxy": peer,
      "ours, HTTP/2 behind": ours(false, true),
      "Envoy, HTTP/2 behind": envoy(false, true),
    },
  };
  const all = Object.entries({ ...common, ...others[kind] });
  return Promise.all(all.filter(([name]) => wanted(name)).map(([name, open]) => open(name)));
}
