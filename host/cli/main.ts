import { Command, CommanderError } from "commander";
import { version } from "../../package.json";
import { buildCommand } from "./build";
import { certsCommand } from "./certs";
import { completionCommand } from "./completion";
import { envoyCommand } from "./envoy";
import { explainCommand } from "./explain";
import { initCommand } from "./init";
import { inspectCommand } from "./inspect";
import { errorJson, report } from "./report";
import { type RunHooks, runCommand } from "./run";
import { bold, hasColours } from "./terminal";
import { testCommand } from "./test";

const nobodyReads = () => {};

/**
 * Runs one command line and answers the process's exit code: 0 done, 1 failed, 2 wrong usage. Never throws.
 *
 * @example
 * process.exitCode = await main(["build", "examples/hello"]);
 */
export async function main(argv: readonly string[], hooks: RunHooks = {}): Promise<number> {
  // The reader of our output may go away (`| head`): that is no reason for a stack trace.
  for (const stream of [process.stdout, process.stderr])
    if (!stream.listeners("error").includes(nobodyReads)) stream.on("error", nobodyReads);
  const outcome = { exitCode: 0 };
  const program = new Command("proxy-wasm")
    .description("Build proxy-wasm filters from AssemblyScript, and run them in a sidecar proxy.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help; every command has its own")
    .addHelpText("after", EXAMPLES);
  const commands = [
    initCommand(),
    buildCommand(),
    runCommand(outcome, hooks),
    testCommand(outcome),
    inspectCommand(outcome),
    explainCommand(),
    certsCommand(),
    envoyCommand(),
    completionCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureOutput({
        getOutHasColors: () => hasColours(process.stdout),
        getErrHasColors: () => hasColours(process.stderr),
      })
      .configureHelp({ styleTitle: bold })
      .showHelpAfterError(`Try: ${command === program ? "" : "proxy-wasm "}${command.name()} --help`);
  }
  try {
    await program.parseAsync(withoutHelp(argv, program), { from: "user" });
    return outcome.exitCode;
  } catch (error) {
    // Commander has printed its message already; anything but help and version is wrong usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (argv.includes("--json")) process.stdout.write(errorJson(error));
    return report(error);
  }
}

/** Commander answers any line that asks for help; one with a command that does not exist is wrong usage all the same. */
function withoutHelp(argv: readonly string[], program: Command): readonly string[] {
  const [name = "-"] = argv;
  const known =
    name.startsWith("-") || name === "help" || program.commands.some((each) => each.name() === name);
  return known ? argv : [name];
}

const EXAMPLES = `
Examples:
  $ proxy-wasm init my-filter                    a project with a filter, its configuration and its test
  $ proxy-wasm build my-filter/index.ts          AssemblyScript in, my-filter.wasm out
  $ proxy-wasm run envoy.yaml                    Envoy's own configuration file, in the Node reference proxy
  $ proxy-wasm run envoy.yaml --engine envoy     the same file in real Envoy
  $ proxy-wasm run --help                        all about one command

Exit codes: 0 done, 1 failed, 2 wrong usage.`;
