import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogLevel } from "../../../sdk/abi/log-level";
import type { Engine, EngineName, RunningEngine } from "../../engine";
import { envoyEngine } from "../../envoy/index";
import { nodeEngine } from "../../proxy/index";
import { scenarioBootstrap } from "./bootstrap";
import { exchange, type SeenResponse } from "./client";
import type { LoadedScenario } from "./load";
import { AnsweringServer, type SeenRequest } from "./servers";

/** What a scenario did on one engine. */
export interface Observation {
  engine: EngineName;
  steps: { response: SeenResponse | "cut"; forwarded: SeenRequest | undefined }[];
  /** Log lines of plugins: who, then what. */
  logs: string[];
  /** Counters and gauges of plugins. */
  metrics: Record<string, number>;
}

const ENGINES: Readonly<Record<EngineName, Engine>> = { node: nodeEngine, envoy: envoyEngine };

/** Nobody listens on this port of the loopback interface. */
const DEAD_PORT = 1;

/** Runs a scenario on an engine, with real traffic. Rejects with StartError or ConfigError. */
export async function runScenario(scenario: LoadedScenario, name: EngineName): Promise<Observation> {
  const cleanUps: (() => void)[] = [];
  const cleanUp = () => {
    for (const each of cleanUps.splice(0).reverse()) each();
  };
  // Ctrl-C ends the process through its exit event.
  process.once("exit", cleanUp);
  try {
    const app = await AnsweringServer.start();
    cleanUps.push(() => app.close());
    const clusters = new Map<string, number | undefined>();
    for (const [cluster, answer] of Object.entries(scenario.clusters)) {
      const failure = "failure" in answer ? answer.failure : undefined;
      if (failure === "refused" || failure === "no_hosts") {
        clusters.set(cluster, failure === "refused" ? DEAD_PORT : undefined);
        continue;
      }
      const server = await AnsweringServer.start();
      cleanUps.push(() => server.close());
      server.answer = answer;
      clusters.set(cluster, server.port);
    }
    const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-scenario-"));
    cleanUps.push(() => rmSync(dir, { recursive: true, force: true }));
    const configPath = join(dir, "envoy.json");
    writeFileSync(configPath, JSON.stringify(scenarioBootstrap(scenario, { upstream: app.port, clusters })));
    return await observe(scenario, name, configPath, app);
  } finally {
    process.off("exit", cleanUp);
    cleanUp();
  }
}

async function observe(
  scenario: LoadedScenario,
  name: EngineName,
  configPath: string,
  app: AnsweringServer,
): Promise<Observation> {
  const logs: string[] = [];
  const running = await ENGINES[name].start({
    configPath,
    concurrency: 1,
    logLevel: LogLevel.Warn,
    componentLogLevels: new Map([["wasm", LogLevel.Debug]]),
    writeLog(line) {
      const text = /\] wasm log ?([^\n]*)/s.exec(line)?.[1];
      if (text !== undefined) logs.push(Buffer.from(text, "latin1").toString());
    },
  });
  try {
    const steps: Observation["steps"] = [];
    for (const step of scenario.steps) {
      app.answer = step.upstream ?? { status: 200, delay_ms: 0 };
      const before = app.requests.length;
      const response = await exchange(running.listeners[0]!.port, step);
      steps.push({ response, forwarded: app.requests[before] });
    }
    const metrics = await pluginMetrics(running);
    // Its log is whole once it has ended.
    await running.stop(1000);
    return { engine: name, steps, logs, metrics };
  } finally {
    await running.kill();
  }
}

/** Counters and gauges that plugins have defined, by their own names. */
async function pluginMetrics({ admin }: RunningEngine): Promise<Record<string, number>> {
  const response = await fetch(`http://${admin!.host}:${admin!.port}/stats?filter=^wasmcustom\\.`, {
    headers: { connection: "close" },
  });
  const lines = (await response.text()).split("\n");
  return Object.fromEntries(
    lines.flatMap((line) => {
      const found = /^wasmcustom\.(.*): (\d+)$/.exec(line);
      return found ? [[found[1]!, Number(found[2])]] : [];
    }),
  );
}
