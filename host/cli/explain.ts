import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Command } from "commander";
import { UsageError } from "../errors";
import { readModule } from "./read-module";

/** `proxy-wasm explain`: a log's wasm backtraces with file and line. */
export function explainCommand(): Command {
  return new Command("explain")
    .description("Add file and line to the wasm backtraces of a log: stdin in, stdout out.")
    .argument("<module>", "the very module that ran; its source map is looked for beside it")
    .addHelpText("after", HELP)
    .action(explain);
}

const HELP = `
Examples:
  $ proxy-wasm explain filter.wasm < envoy.log
  $ kubectl logs my-pod -c istio-proxy | proxy-wasm explain filter.wasm

The module must be the one that ran, built with --debug: that leaves <module>.map beside it.`;

async function explain(file: string): Promise<void> {
  const { debugInfo, explainLine } = await import("../inspect/index");
  const folder = dirname(resolve(file));
  const readBeside = (path: string) => {
    const beside = resolve(folder, path);
    return existsSync(beside) ? readFileSync(beside, "utf8") : undefined;
  };
  const debug = await readModule(file, (bytes) => debugInfo(bytes, file, readBeside));
  if (!debug.mapped) throw new UsageError(`${file} has no source map: build it with --debug`);
  // Latin-1 both ways: a guest's bytes leave as they came.
  process.stdin.setEncoding("latin1");
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }))
    process.stdout.write(`${explainLine(line, debug)}\n`, "latin1");
}
