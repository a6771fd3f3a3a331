import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { BuildError } from "../errors";
import { inspectModule } from "../vm/inspect";
import { findUncalledMethods, refuseNothingRegistered } from "./author-checks";
import { type AscDiagnostic, type AscProgram, loadCompiler } from "./compiler";
import { SourceNames } from "./diagnostics";
import { extraTransforms } from "./extra-transforms";
import { checkImports } from "./imports";
import { findPackage, findProject, PACKAGE } from "./sdk-location";
import { sourcesFor } from "./sources";
import { sdkTransform } from "./transform";

export interface BuildModuleOptions {
  /** The filter's entry file, or a folder with an index.ts. */
  entry: string;
  /** Names and a source map instead of optimisation. */
  debug?: boolean;
  /** Where to write the module (and `<outFile>.map`); folders are made. Nothing is written without it. */
  outFile?: string;
  /** Gets one line per step and per warning. */
  onProgress?(line: string): void;
}

export interface BuiltModule {
  wasm: Uint8Array;
  /** JSON text; only with `debug`. */
  sourceMap?: string;
  /** Names of the module's exports, in order. */
  exports: string[];
  /** Absolute paths of the files it was made from. */
  sources: string[];
  /** Bytes of `wasm`. */
  size: number;
}

const MODULE = "module.wasm";

/**
 * Compiles an AssemblyScript filter into a proxy-wasm module.
 * @throws BuildError with one `file:line:column: message` per line
 */
export async function buildModule(options: BuildModuleOptions): Promise<BuiltModule> {
  const say = options.onProgress ?? (() => {});
  const entry = entryFile(resolve(options.entry));
  const project = findProject(dirname(entry));
  const toolkit = realpathSync(findPackage(dirname(entry)));
  const names = new SourceNames(project, toolkit);
  const sources = sourcesFor(entry, project, toolkit);

  const compiler = await loadCompiler();
  let program: AscProgram | undefined;
  const errors: string[] = [];
  const written = new Map<string, Uint8Array | string>();
  let stderr = "";
  const { error } = await compiler.asc.main(compilerArguments(sources.entry, project, options), {
    stdout: { write: () => {} },
    stderr: { write: (text) => (stderr += text) },
    readFile: sources.read,
    writeFile: (name, contents) => written.set(basename(name), contents),
    listFiles: () => [],
    reportDiagnostic(message: AscDiagnostic) {
      const line = names.format(message);
      if (message.category === 3) errors.push(line);
      else if (message.category === 2) say(`warning: ${line}`);
    },
    transforms: [
      ...extraTransforms,
      sdkTransform(compiler, names, (complete) => {
        program = complete;
      }),
    ],
  });
  if (error instanceof BuildError) throw error;
  if (errors.length > 0) throw new BuildError(errors.join("\n"));
  if (error) throw new BuildError(`${options.entry}: ${error.message}${stderr && `\n${stderr}`}`);

  const wasm = written.get(MODULE) as Uint8Array;
  if (program) {
    refuseNothingRegistered(program, names.name(relative(project, entry)));
    for (const line of findUncalledMethods(program, compiler, names)) say(`warning: ${line}`);
  }
  const shape = inspectModule(wasm);
  checkImports(shape.imports, program, names);
  const exports = shape.exports.map(({ name }) => name);
  say(`exports: ${exports.join(" ")}`);
  const sourceMap = written.get(mapName(options)) as string | undefined;
  if (options.outFile) write(options.outFile, wasm, sourceMap);
  const files = [...sources.files];
  return {
    wasm,
    exports,
    sources: files,
    size: wasm.length,
    ...(sourceMap === undefined ? {} : { sourceMap }),
  };
}

/** asc names the map after the URL it writes into the module. */
function mapName(options: BuildModuleOptions): string {
  return `${basename(options.outFile ?? MODULE)}.map`;
}

function compilerArguments(entry: string, project: string, options: BuildModuleOptions): string[] {
  const argv = [entry, "--baseDir", project, "--outFile", MODULE];
  argv.push("--runtime", "minimal", "--exportStart", "_initialize");
  for (const [name, target] of ALIASES) argv.push("--use", `${name}=~lib/${PACKAGE}/sdk/${target}`);
  if (options.debug) {
    argv.push("--debug", "--sourceMap", `./${mapName(options)}`);
  } else {
    argv.push("--optimizeLevel", "3", "--shrinkLevel", "1", "--converge");
  }
  return argv;
}

/** Globals of AssemblyScript that would become imports no proxy has. */
const ALIASES = [
  ["abort", "abort/onAbort"],
  ["trace", "globals/trace"],
  ["seed", "globals/seed"],
] as const;

function entryFile(path: string): string {
  const kind = statSync(path, { throwIfNoEntry: false });
  if (!kind) throw new BuildError(`${path}: no such file or folder`);
  if (!kind.isDirectory()) {
    if (!path.endsWith(".ts")) throw new BuildError(`${path}: not a .ts file`);
    return path;
  }
  const index = join(path, "index.ts");
  if (!existsSync(index)) throw new BuildError(`${path}: no index.ts in this folder; name the entry file`);
  return index;
}

function write(outFile: string, wasm: Uint8Array, sourceMap: string | undefined): void {
  try {
    mkdirSync(dirname(resolve(outFile)), { recursive: true });
    writeFileSync(outFile, wasm);
    if (sourceMap !== undefined) writeFileSync(`${outFile}.map`, sourceMap);
  } catch (error) {
    throw new BuildError(`${outFile}: cannot be written: ${(error as Error).message}`);
  }
}
