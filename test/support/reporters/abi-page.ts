import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Reporter, TestModule } from "vitest/node";
import { CALLBACKS } from "../../../host/abi/callbacks";
import { HOSTCALLS } from "../../../host/abi/hostcalls";
import { choose, type Use } from "../abi/choose";
import { abiPage, readCovers } from "../abi/page";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const target = join(root, "docs/abi.md");

/** Brings docs/abi.md up to date after a run of conformance tests, of all of them or of some. */
export default class AbiPage implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = new Set(globSync("test/conformance/**/*.test.ts", { cwd: root }));
    const ran = modules.filter((module) => files.has(module.moduleId.slice(root.length)));
    const uses = new Map<string, { names: Set<string>; verdicts: Map<string, string> }>();
    let skipped = ran.length < files.size;
    for (const module of ran)
      for (const test of module.children.allTests()) {
        const [head = "", ...names] = test.fullName.split(" > ");
        const [, section, engine] = /^(.*) \[(\w+)\]$/.exec(head) ?? [];
        const { state } = test.result();
        if (state !== "passed" && state !== "failed") skipped = true;
        else if (section !== undefined) {
          const key = `${section}: ${names.join(": ")}`;
          const use = uses.get(key) ?? { names: new Set(), verdicts: new Map() };
          for (const name of test.meta().abi ?? []) use.names.add(name);
          use.verdicts.set(engine!, state === "passed" ? "pass" : "fail");
          uses.set(key, use);
        }
      }
    const before = existsSync(target) ? readFileSync(target, "utf8") : "";
    const runs = [...uses].map(([test, use]): Use => ({ test, ...use }));
    const names = [...Object.keys(HOSTCALLS), ...Object.keys(CALLBACKS)];
    const page = abiPage(choose(readCovers(before), runs, !skipped, names));
    if (runs.length > 0 && page !== before) writeFileSync(target, page);
  }
}
