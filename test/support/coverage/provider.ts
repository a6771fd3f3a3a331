import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import v8 from "@vitest/coverage-v8";
import { savedHits } from "./hits";
import { type Ast, fileNumber, loadAst, type Range, walkStatements } from "./statements";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** vitest's own coverage, with the AssemblyScript files in the same map: one table, one lcov. */
export default Object.assign(v8, {
  // The object itself, for it keeps the session of its worker, which imports this file again and again.
  async getProvider() {
    const name: string = "@vitest/coverage-v8/dist/provider.js";
    const { V8CoverageProvider } = await import(name);
    return new (class extends V8CoverageProvider {
      async generateCoverage(options: object) {
        const map = await super.generateCoverage(options);
        map.merge(await assemblyScriptCoverage());
        return map;
      }
    })();
  },
});

/** In istanbul's form: what is there by file, and how many test files have run it. */
async function assemblyScriptCoverage(): Promise<Record<string, object>> {
  const ast = await loadAst();
  const hits = savedHits();
  const coverage: Record<string, object> = {};
  for (const path of globSync("{sdk,filters}/**/*.ts", { cwd: root }).sort()) {
    const file = fileCoverage(ast, path, hits.get(fileNumber(path)) ?? new Map());
    if (file) coverage[join(root, path)] = file;
  }
  return coverage;
}

/** Undefined for a file without statements in functions: declarations and constants. */
function fileCoverage(ast: Ast, path: string, hits: ReadonlyMap<number, number>): object | undefined {
  const parser = new ast.Parser();
  parser.parseFile(readFileSync(join(root, path), "utf8"), path, true);
  const statementMap: Record<number, object> = {};
  const fnMap: Record<number, object> = {};
  const s: Record<number, number> = {};
  const f: Record<number, number> = {};
  let functions = 0;
  walkStatements(parser.sources[0]!, ast, ({ node, opens }, index) => {
    statementMap[index] = location(node.range);
    s[index] = hits.get(index) ?? 0;
    if (opens) {
      const loc = location(opens.range);
      fnMap[functions] = { name: opens.name, decl: loc, loc, line: loc.start.line };
      f[functions++] = s[index];
    }
    return [];
  });
  if (Object.keys(s).length === 0) return undefined;
  return { path: join(root, path), statementMap, fnMap, branchMap: {}, s, f, b: {} };
}

function location({ source, start, end }: Range) {
  const at = (offset: number) => ({ line: source.lineAt(offset), column: source.columnAt() - 1 });
  return { start: at(start), end: at(end) };
}
