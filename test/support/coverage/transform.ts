import {
  type Ast,
  countedPath,
  fileNumber,
  type Node,
  type Range,
  type Source,
  walkStatements,
} from "./statements";

interface Parser {
  sources: Source[];
  parseFile(text: string, path: string, isEntry: boolean): void;
}

/** Of the compiler's 64-bit integers, which it makes global. */
declare function i64_new(low: number, high?: number): unknown;

/**
 * Counts each statement of the SDK and of filters the first time it runs in an instance: a message to the log, for that is
 * the one way out of a module that every host has, Envoy too. See hits.ts for who takes the messages out again.
 */
export function coverageTransform(ast: Ast): object {
  return {
    afterParse(parser: Parser) {
      let slots = 0;
      for (const source of [...parser.sources]) {
        const path = countedPath(source.normalizedPath);
        if (path === undefined) continue;
        const file = fileNumber(path);
        walkStatements(source, ast, ({ node }, index) => [hit(ast, slots++, file, index, node.range)]);
      }
      if (slots > 0) parser.parseFile(counter(slots), "~lib/coverage-counter.ts", false);
    },
  };
}

function hit(ast: Ast, slot: number, file: number, index: number, range: Range): Node {
  const { Node: make } = ast;
  const number = (value: number) => make.createIntegerLiteralExpression(i64_new(value | 0, 0), range);
  const callee = make.createIdentifierExpression("__coverage_hit", range);
  const args = [number(slot), number(file >>> 16), number(file & 0xffff), number(index)];
  return make.createExpressionStatement(make.createCallExpression(callee, null, args, range));
}

/** `@cov ` and sixteen hexadecimal digits: half of them the file's number, half the statement's. */
const counter = (slots: number) => `
@external("env", "proxy_log") declare function __coverage_log(level: u32, text: usize, size: usize): u32;
const __coverage_seen: usize = memory.data(${slots});
const __coverage_text: usize = memory.data<u8>([64, 99, 111, 118, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
function __coverage_hex(at: usize, value: u32, digits: i32): void {
  for (let i = digits - 1; i >= 0; i--) {
    const digit = value & 15;
    store<u8>(at + i, digit < 10 ? 48 + digit : 87 + digit);
    value >>= 4;
  }
}
@global export function __coverage_hit(slot: u32, high: u32, low: u32, index: u32): void {
  const at = __coverage_seen + slot;
  if (load<u8>(at)) return;
  store<u8>(at, 1);
  __coverage_hex(__coverage_text + 5, high, 4);
  __coverage_hex(__coverage_text + 9, low, 4);
  __coverage_hex(__coverage_text + 13, index, 8);
  // A warning: errors and worse are what a failed start is explained with.
  __coverage_log(3, __coverage_text, 21);
}
`;
