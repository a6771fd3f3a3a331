import { DebugInfo, type ReadBeside } from "../vm/debug-info";
import { inspectModule } from "../vm/inspect";

/** A guest's frame in a backtrace of Envoy or of this host, up to what this host may have added. */
const FRAME = /^(?<head>\s*\d+:\s+0x(?<offset>[0-9a-f]+) - .*?)(?: \([^()]*:\d+:\d+\))?$/;

/** A line of a log, with `file:line:column` after it when it is a frame of a guest whose source is known. */
export function explainLine(line: string, debug: DebugInfo): string {
  const frame = FRAME.exec(line)?.groups;
  if (!frame) return line;
  const place = debug.placeAt(Number.parseInt(frame.offset!, 16));
  return place === undefined ? line : `${frame.head} (${place})`;
}

/** Where a module's code comes from, for {@link explainLine}. Throws ModuleError when it is no wasm. */
export function debugInfo(module: Uint8Array, name: string, readBeside: ReadBeside): DebugInfo {
  return new DebugInfo(module, name, inspectModule(module).imports.length, readBeside);
}
