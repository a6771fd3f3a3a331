import { MAX_MEMORY_PAGES } from "../../sdk/abi/limits";
import { ModuleError } from "../errors";
import type { Edits } from "./edits";
import { readSections, SECTION } from "./inspect";
import { leb } from "./leb";
import { type Limits, WasmReader } from "./wasm-reader";

/** Limits with the maximum of this host. Throws {@link ModuleError} when the module wants more from the start. */
export function capped<T extends Limits>(limits: T): T & { maximum: number } {
  if (limits.initial > MAX_MEMORY_PAGES)
    throw new ModuleError(
      `wants ${limits.initial} pages of memory, the limit is ${MAX_MEMORY_PAGES} (1 GiB)`,
    );
  const maximum = Math.min(limits.maximum ?? MAX_MEMORY_PAGES, MAX_MEMORY_PAGES);
  return { ...limits, flags: limits.flags | 1, maximum };
}

/** Flag of a memory that threads share; Envoy has none to give. */
const SHARED = 2;

/** Throws {@link ModuleError} when the host cannot make the memory a module wants from it. */
export function checkMemoryImport(limits: Limits | undefined): void {
  if (!limits) return;
  if (limits.flags & SHARED) throw new ModuleError("imports a shared memory");
  capped(limits);
}

/** Gives the memories of a module a maximum, which Envoy sets for all of V8 and JavaScript cannot. */
export function capMemory(bytes: Uint8Array, edits: Edits): void {
  const section = readSections(bytes).find(({ id }) => id === SECTION.memory);
  if (!section) return;
  const reader = new WasmReader(section.body);
  const memories = Array.from({ length: reader.u32() }, () => capped(reader.limits()));
  const body = [
    ...leb(memories.length),
    ...memories.flatMap(({ flags, initial, maximum }) => [flags, ...leb(initial), ...leb(maximum)]),
  ];
  edits.replace(section.start, section.start + section.size, [SECTION.memory, ...leb(body.length), ...body]);
}
