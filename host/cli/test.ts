import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import type { EngineName } from "../engine";
import type { LoadedScenario, Observation, Result } from "../testing/scenario/index";

interface TestOptions {
  engine: EngineName | "both";
  tap?: boolean;
  json?: boolean;
  junit?: string;
  watch?: boolean;
}

/** `proxy-wasm test`: scenario files on one engine, or on both and compared. */
export function testCommand(outcome: { exitCode: number }): Command {
  return new Command("test")
    .description("Run scenario files: requests through filters, and what is expected of them.")
    .argument("<scenario...>", "scenario files, YAML or JSON")
    .addOption(
      new Option("--engine <name>", "which proxy runs them; both = also compare the two")
        .choices(["node", "envoy", "both"])
        .default("node"),
    )
    .option("--tap", "Test Anything Protocol on stdout")
    .option("--json", "results as one JSON array on stdout")
    .option("--junit <file>", "also write JUnit's XML")
    .option("--watch", "run again whenever a scenario, a module or one of its sources changes, until Ctrl-C")
    .addHelpText("after", HELP)
    .action(async (files: string[], options: TestOptions) => {
      // Ends through the exit event, where runs clean up.
      process.once("SIGINT", () => process.exit(130));
      if (options.watch) return watchAll(files, options);
      const results = await runAll(await loadAll(files), options);
      if (results.some(({ failures }) => failures.length > 0)) outcome.exitCode = 1;
    });
}

const HELP = `
Examples:
  $ proxy-wasm test private.scenario.yaml
  $ proxy-wasm test scenarios/*.yaml --engine both --junit report.xml
  $ proxy-wasm test private.scenario.yaml --watch            edit the filter, see red or green within a second

A scenario names plugins (a .wasm file, or AssemblyScript sources, which are compiled), what their calls to clusters
get, and steps: a request, what the app answers, and what is expected. docs/testing.md shows one.
With --engine both the engines must also agree on everything a step shows; the first difference is printed.

Exit codes: 0 all as expected, 1 not, 2 wrong usage.`;

/** All read before any runs: a mistake in the last file shows at once. */
async function loadAll(files: readonly string[]): Promise<LoadedScenario[]> {
  const { loadScenario } = await import("../testing/scenario/index");
  return Promise.all(files.map((file) => loadScenario(file)));
}

async function runAll(scenarios: readonly LoadedScenario[], options: TestOptions): Promise<Result[]> {
  const { junit, plainText, tap } = await import("../testing/scenario/index");
  const results: Result[] = [];
  for (const scenario of scenarios) {
    process.stderr.write(`${scenario.file} ...\n`);
    results.push(...(await runOne(scenario, options.engine)));
  }
  if (options.junit !== undefined) writeFileSync(options.junit, junit(results));
  const text = options.json ? `${JSON.stringify(results)}\n` : (options.tap ? tap : plainText)(results);
  process.stdout.write(text);
  return results;
}

/** Until Ctrl-C, which ends the process. */
async function watchAll(files: readonly string[], options: TestOptions): Promise<void> {
  const { watchScenarios } = await import("./watch/index");
  await watchScenarios(files, {
    load: async (file) => (await loadAll([file]))[0]!,
    run: async (scenarios) => void (await runAll(scenarios, options)),
  });
}

async function runOne(scenario: LoadedScenario, wanted: EngineName | "both"): Promise<Result[]> {
  const { firstDifference, judge, runScenario } = await import("../testing/scenario/index");
  const { file, title } = scenario;
  const results: Result[] = [];
  const seen: Observation[] = [];
  for (const engine of wanted === "both" ? (["node", "envoy"] as const) : [wanted]) {
    const began = performance.now();
    const observation = await runScenario(scenario, engine);
    seen.push(observation);
    const durationMs = Math.round(performance.now() - began);
    results.push({ file, title, engine, failures: judge(scenario, observation), durationMs });
  }
  if (seen.length === 2) {
    const difference = firstDifference(scenario, seen[0]!, seen[1]!);
    results.push({
      file,
      title,
      engine: "node = envoy",
      failures: difference ? [difference] : [],
      durationMs: 0,
    });
  }
  return results;
}
