import { statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { BuildError } from "../errors";

interface BuildOptions {
  output?: string;
  debug?: boolean;
  json?: boolean;
}

/** `proxy-wasm build`: AssemblyScript sources to a proxy-wasm module. */
export function buildCommand(): Command {
  return new Command("build")
    .description("Compile an AssemblyScript filter into a proxy-wasm module.")
    .argument("<entry>", "the filter's entry file, or its folder (then index.ts in it)")
    .option("-o, --output <file>", "where the module goes (default: <name>.wasm in the working directory)")
    .option("--debug", "keep names and write a source map, no optimisation")
    .option("--json", "print the result as one JSON object on stdout, progress on stderr")
    .addHelpText("after", HELP)
    .action(build);
}

const HELP = `
Examples:
  $ proxy-wasm build examples/hello                  hello.wasm, named after the folder
  $ proxy-wasm build filter.ts -o out/filter.wasm    folders are made as needed
  $ proxy-wasm build filter.ts --debug               traps then show file and line

The module runs in any proxy-wasm host with ABI 0.2.1: Envoy, and \`proxy-wasm run\`.`;

async function build(entryOrFolder: string, options: BuildOptions): Promise<void> {
  const began = performance.now();
  const say = (line: string) => (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const entry = entryFile(entryOrFolder);
  const outFile = options.output ?? `${moduleName(entry)}.wasm`;
  say(`${entry} -> ${outFile}`);
  const { buildModule } = await import("../build/index");
  const result = await buildModule({ entry, outFile, debug: options.debug === true, onProgress: say });
  const ms = Math.round(performance.now() - began);
  if (options.json) {
    const { size, exports } = result;
    const summary = { file: outFile, size, exports, debug: options.debug === true, durationMs: ms };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
  } else {
    say(`${outFile}: ${(result.size / 1024).toFixed(1)} KiB (${result.size} bytes) in ${ms} ms`);
  }
}

function entryFile(path: string): string {
  const kind = statSync(path, { throwIfNoEntry: false });
  if (!kind) throw new BuildError(`${path}: no such file or folder`);
  if (!kind.isDirectory()) return path;
  const entry = join(path, "index.ts");
  if (!statSync(entry, { throwIfNoEntry: false }))
    throw new BuildError(`${path}: no index.ts in this folder; name the entry file`);
  return entry;
}

/** An index.ts is named after its folder. */
function moduleName(entry: string): string {
  const name = basename(entry, ".ts");
  return name === "index" ? basename(dirname(resolve(entry))) : name;
}
