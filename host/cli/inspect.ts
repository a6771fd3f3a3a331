import { Command } from "commander";
import type { ModuleReport, Sized } from "../inspect/index";
import { readModule } from "./read-module";

interface InspectOptions {
  json?: boolean;
  functions: string;
}

/** `proxy-wasm inspect`: what a module is, needs, and weighs. */
export function inspectCommand(outcome: { exitCode: number }): Command {
  return new Command("inspect")
    .description(
      "Show what a module is made of: ABI, imports, exports, sizes, and what keeps it from running.",
    )
    .argument("<module>", "a .wasm file")
    .option("--functions <n>", "how many of the largest functions are shown", "10")
    .option("--json", "everything as one JSON object on stdout")
    .addHelpText("after", HELP)
    .action(async (file: string, options: InspectOptions) => {
      const { inspectBytes } = await import("../inspect/index");
      const report = await readModule(file, inspectBytes);
      if (report.problems.length > 0) outcome.exitCode = 1;
      process.stdout.write(
        options.json ? `${JSON.stringify(report)}\n` : text(file, report, Number(options.functions)),
      );
    });
}

const HELP = `
Examples:
  $ proxy-wasm inspect build/filters/authz.wasm
  $ proxy-wasm inspect filter.wasm --json | jq .capabilities

Functions have names in a module built with --debug. Exit code 1 = no host can run the module as it is.`;

function text(file: string, report: ModuleReport, functions: number): string {
  const { abi, problems, bytes, capabilities } = report;
  const listed: [string, readonly string[]][] = [
    ["hostcalls", report.hostcalls],
    ["WASI", report.wasi],
    ["other imports", report.otherImports],
    ["callbacks", report.callbacks],
    ["allocator, start", report.lifecycle],
    ["other exports", report.otherExports],
    ["wasm features", report.features],
  ];
  const lines = [
    `${file}: ${bytes} bytes, ${abi ? `proxy-wasm ABI ${abi}` : "no proxy-wasm ABI"}`,
    ...problems.map((problem) => `  PROBLEM: ${problem}`),
    "",
    ...listed.map(([title, names]) => `${title} (${names.length}): ${names.join(" ") || "none"}`),
    "",
    "sections:",
    ...table(report.sections, bytes),
    "",
    `functions (${report.functions.length}, the largest first):`,
    ...table(report.functions.slice(0, functions), bytes),
    "",
    "The least this plugin must be allowed, for its PluginConfig:",
    "capability_restriction_config:",
    "  allowed_capabilities:",
    ...capabilities.map((name) => `    ${name}: {}`),
  ];
  return `${lines.join("\n")}\n`;
}

function table(parts: readonly Sized[], total: number): string[] {
  return parts.map(({ name, bytes }) => {
    const share = `${((bytes / total) * 100).toFixed(1)} %`;
    return `${String(bytes).padStart(9)}  ${share.padStart(6)}  ${name}`;
  });
}
