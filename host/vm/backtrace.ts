import type { DebugInfo } from "./debug-info";

/** Frames shown at most; endless recursion has thousands. */
const MAX_FRAMES = 32;
/** Frames V8 is to collect when a guest traps: enough for {@link MAX_FRAMES} after those left out. */
export const COLLECTED_FRAMES = 64;

/** A guest's frame as V8 writes it into `error.stack`. */
const FRAME = /^ *at (?:(.*) \()?wasm:\/\/[^\s)]*:wasm-function\[(\d+)\]:0x([0-9a-f]+)\)?$/;

const HINT = "no names in this module: build it with --debug to see functions and lines";

/**
 * The guest's part of a trap's stack, innermost frame first, in the form of Envoy's backtraces with the place in the
 * source added: `  0:  0x66e - index/Filter#onRequestHeaders (index.ts:12:5)`. With a source map, functions that are
 * all compiler's work are left out.
 */
export function backtrace(error: unknown, debug: DebugInfo): string[] {
  const frames = framesOf(error, debug);
  if (frames.length === 0) return [];
  const placed = debug.mapped ? frames.filter(({ index, offset }) => debug.place(index, offset)) : [];
  const chosen = placed.length > 0 ? placed : frames;
  const lines = chosen.slice(0, MAX_FRAMES).map(({ name, index, offset }, n) => {
    const place = debug.place(index, offset);
    const what = name ?? `unknown(function index:${index})`;
    return `${String(n).padStart(3)}:  0x${offset.toString(16)} - ${what}${place ? ` (${place})` : ""}`;
  });
  if (chosen.length > MAX_FRAMES) lines.push("  ... and more");
  if (chosen.every(({ name }) => name === undefined)) lines.push(`  (${HINT})`);
  return lines;
}

function framesOf(
  error: unknown,
  debug: DebugInfo,
): { name: string | undefined; index: number; offset: number }[] {
  const stack = error instanceof Error ? String(error.stack) : "";
  return stack.split("\n").flatMap((line) => {
    const match = FRAME.exec(line);
    return match
      ? [{ name: match[1], index: Number(match[2]), offset: debug.original(Number.parseInt(match[3]!, 16)) }]
      : [];
  });
}
