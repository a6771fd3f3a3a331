import { describe, expect, onTestFinished, test } from "vitest";
import { extraTransforms } from "../../../host/build/extra-transforms";
import { compile } from "../compile";
import { fileNumber, loadAst, walkStatements } from "./statements";
import { coverageTransform } from "./transform";

const PATH = "sdk/sample.ts";
/** Lines that end in `// n` run when `run(n)` is called. */
const SOURCE = `
class Base { constructor(public a: i32) {} }
class Derived extends Base {
  constructor(a: i32) {
    super(a); // 1 2
    this.a += 1; // 1 2
  }
}
function choose(n: i32): i32 {
  if (n == 1) return 10; // 1 2 3 4
  else if (n == 2) // 2 3 4
    return 20; // 2
  switch (n) { // 3 4
    case 3: return 30; // 3
    default: {
      let sum = 0; // 4
      for (let i = 0; i < n; i++) sum += i; // 4
      while (sum > 100) // 4
        sum--; // never
      do sum++; // 4
      while (sum < 3);
      return sum; // 4
    }
  }
}
export function run(n: i32): i32 {
  const twice = (x: i32): i32 => { // 1 2 3 4
    return x * 2; // 2
  };
  if (n == 2) new Derived(twice(1)); // 1 2 3 4
  if (n == 1) { // 1 2 3 4
    new Derived(1); // 1
  }
  return choose(n); // 1 2 3 4
}
`;

/** By statement: the line it begins on. */
async function lines(): Promise<number[]> {
  const ast = await loadAst();
  const parser = new ast.Parser();
  parser.parseFile(SOURCE, PATH, true);
  const found: number[] = [];
  walkStatements(parser.sources[0]!, ast, ({ node }, index) => {
    found[index] = node.range.source.lineAt(node.range.start);
    return [];
  });
  return found;
}

/** The lines that run in a call, as the module tells. */
async function ran(argument: number): Promise<number[]> {
  const before = extraTransforms.splice(0);
  extraTransforms.push(coverageTransform(await loadAst()));
  onTestFinished(() => {
    extraTransforms.splice(0, 1, ...before);
  });
  const wasm = await compile(PATH, ["--runtime", "stub", "--debug", "--exportStart", "_initialize"], {
    [PATH]: SOURCE,
  });
  const seen: string[] = [];
  const imports = {
    env: {
      abort: () => {},
      proxy_log(level: number, at: number, size: number) {
        const memory = instance.exports.memory as WebAssembly.Memory;
        seen.push(`${level} ${Buffer.from(memory.buffer, at, size).toString("latin1")}`);
        return 0;
      },
    },
  };
  const instance = new WebAssembly.Instance(await WebAssembly.compile(wasm as never), imports as never);
  (instance.exports._initialize as () => void)();
  (instance.exports.run as (n: number) => number)(argument);
  const known = await lines();
  const file = fileNumber(PATH).toString(16).padStart(8, "0");
  return seen.map((text) => {
    const index = new RegExp(`^3 @cov ${file}([0-9a-f]{8})$`).exec(text)?.[1];
    if (index === undefined) throw new Error(`not a message of coverage: ${text}`);
    return known[Number.parseInt(index, 16)]!;
  });
}

describe("coverage of AssemblyScript", () => {
  test.each([1, 2, 3, 4])("run(%i): each line that runs is told once, no other", async (n) => {
    const marked = SOURCE.split("\n").flatMap((line, i) => {
      const runs = / \/\/ ([^/]*)$/.exec(line)?.[1]?.split(" ") ?? [];
      return runs.includes(String(n)) ? [i + 1] : [];
    });
    const found = await ran(n);
    expect([...new Set(found)].sort((a, b) => a - b)).toEqual(marked);
  });
});
