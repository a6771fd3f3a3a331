import { MAX_MEMORY_PAGES } from "../../sdk/abi/limits";
import { ModuleError } from "../errors";
import { readSections, SECTION } from "./inspect";
import { type Limits, WasmReader } from "./wasm-reader";

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

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

/**
 * The module with a maximum for its memories, which Envoy sets for all of V8 and JavaScript cannot. `shift` is by how much
 * that moved what comes after them.
 */
export function capMemory(bytes: Uint8Array<ArrayBuffer>): { bytes: Uint8Array<ArrayBuffer>; shift: number } {
  const section = readSections(bytes).find(({ id }) => id === SECTION.memory);
  if (!section) return { bytes, shift: 0 };
  const reader = new WasmReader(section.body);
  const memories = Array.from({ length: reader.u32() }, () => capped(reader.limits()));
  const body = [
    ...leb(memories.length),
    ...memories.flatMap(({ flags, initial, maximum }) => [flags, ...leb(initial), ...leb(maximum)]),
  ];
  const before = bytes.subarray(0, section.start);
  const after = bytes.subarray(section.start + section.size);
  const head = [SECTION.memory, ...leb(body.length), ...body];
  const out = new Uint8Array(before.length + head.length + after.length);
  out.set(before);
  out.set(head, before.length);
  out.set(after, before.length + head.length);
  return { bytes: out, shift: out.length - bytes.length };
}
