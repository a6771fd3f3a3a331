import { isExhausted, startBudget } from "./blocks";
import { SCRATCH, SCRATCH_SIZE } from "./layout";
import { collectObjects } from "./objects";

/** What may be allocated between two collections, at least. */
const LEAST_BUDGET: usize = 65536;

/**
 * Memory for a block the host hands over. Hosts call this from inside a hostcall, so it never collects and never
 * fails: small blocks share one static buffer, larger ones are ordinary objects that the collector frees.
 */
export function allocate(size: usize): usize {
  return size <= SCRATCH_SIZE ? SCRATCH : __new(size, idof<ArrayBuffer>());
}

/**
 * Called as a callback ends. No AssemblyScript frame is live then, so nothing needs a shadow stack; the budget grows
 * with what survived, so the cost per request does not depend on how many streams are open.
 */
export function collectIfDue(): void {
  if (isExhausted()) collect();
}

function collect(): void {
  const live = collectObjects();
  startBudget(live > LEAST_BUDGET ? live : LEAST_BUDGET);
}
