import { statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Command, Option } from "commander";
import type { BuildModuleOptions, BuiltModule } from "../build/build-module";

interface BuildOptions {
  output?: string;
  debug?: boolean;
  check?: boolean;
  json?: boolean;
}

/** `proxy-wasm build`: AssemblyScript sources to a proxy-wasm module. */
export function buildCommand(): Command {
  return new Command("build")
    .description("Compile an AssemblyScript filter into a proxy-wasm module.")
    .argument("<entry>", "the filter's entry file, or its folder (then index.ts in it)")
    .option("-o, --output <file>", "where the module goes (default: <name>.wasm in the working directory)")
    .option("--debug", "keep names and write a source map, no optimisation")
    .addOption(
      new Option("--check", "only tell what is wrong: nothing is written").conflicts(["output", "debug"]),
    )
    .option("--json", "print the result as one JSON object on stdout, progress on stderr")
    .addHelpText("after", HELP)
    .action(build);
}

const HELP = `
Examples:
  $ proxy-wasm build examples/hello                  hello.wasm, named after the folder
  $ proxy-wasm build filter.ts -o out/filter.wasm    folders are made as needed
  $ proxy-wasm build filter.ts --debug               traps then show file and line
  $ proxy-wasm build filter.ts --check               types, imports, registrations

With --json a failure is an object too: {"error": {"code", "message"}}, exit code 1.
The module runs in any proxy-wasm host with ABI 0.2.1: Envoy, and \`proxy-wasm run\`.`;

async function build(entry: string, options: BuildOptions): Promise<void> {
  const began = performance.now();
  const debug = options.debug === true;
  const say = (line: string) => (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  if (options.check) {
    const { exports } = await compile({ entry, debug: true, onProgress: say });
    const durationMs = Math.round(performance.now() - began);
    if (options.json) process.stdout.write(`${JSON.stringify({ checked: true, exports, durationMs })}\n`);
    else say(`${entry}: nothing is wrong, in ${durationMs} ms`);
    return;
  }
  const file = options.output ?? `${moduleName(entry)}.wasm`;
  say(`${entry} -> ${file}`);
  const { size, exports } = await compile({ entry, outFile: file, debug, onProgress: say });
  const durationMs = Math.round(performance.now() - began);
  if (options.json) process.stdout.write(`${JSON.stringify({ file, size, exports, debug, durationMs })}\n`);
  else say(`${file}: ${(size / 1024).toFixed(1)} KiB (${size} bytes) in ${durationMs} ms`);
}

/** The compiler is WebAssembly itself and runs once: V8 spent longer on optimising it than it saved. */
async function compile(options: BuildModuleOptions): Promise<BuiltModule> {
  const { buildModule } = await import("../build/index");
  optimiseWasm(false);
  try {
    return await buildModule(options);
  } finally {
    optimiseWasm(true);
  }
}

function optimiseWasm(yes: boolean): void {
  // Of V8's `--liftoff-only`, which sets these two, nothing is left once the process runs.
  for (const flag of ["wasm-tier-up", "wasm-dynamic-tiering"])
    setFlagsFromString(`--${yes ? "" : "no-"}${flag}`);
}

/** A folder names its module, and so does the folder of an index.ts. */
function moduleName(entry: string): string {
  if (statSync(entry, { throwIfNoEntry: false })?.isDirectory()) return basename(resolve(entry));
  const name = basename(entry).replace(/\.ts$/, "");
  return name === "index" ? basename(dirname(resolve(entry))) : name;
}
