import { SCRATCH, SCRATCH_SIZE } from "./layout";

/**
 * Bytes the runtime's collector holds. `proxy-wasm build` binds this name to the runtime's own counter, which
 * asc does not export.
 */
let heapBytes: usize = 0;

/** Garbage allowed to pile up before a collection, at least. */
const MIN_GARBAGE: usize = 262144;

let limit: usize = MIN_GARBAGE;

/**
 * Memory for a block the host hands over. Hosts call this from inside a hostcall, so it never collects and never
 * fails: small blocks share one static buffer, larger ones are ordinary objects that the collector frees.
 */
export function allocate(size: usize): usize {
  return size <= SCRATCH_SIZE ? SCRATCH : __new(size, idof<ArrayBuffer>());
}

/**
 * Called as a callback ends. No AssemblyScript frame is live then, so nothing needs a shadow stack; the limit grows
 * with what survived, so the cost per request does not depend on how many streams are open.
 */
export function collectIfDue(): void {
  if (heapBytes > limit) collect();
}

function collect(): void {
  __collect();
  const live = heapBytes;
  limit = live + (live > MIN_GARBAGE ? live : MIN_GARBAGE);
}
