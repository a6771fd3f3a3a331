/**
 * The heap: blocks side by side from the end of the static data to the end of memory. New blocks are put one behind the
 * other into a gap, which is all that most allocations cost; what a collection finds dead becomes gaps again, neighbours
 * as one.
 *
 * A block begins with the compiler's header of an object, 20 bytes: size and flags, a link (of gaps, or of objects yet
 * to be visited), the collection that last reached it, class id, size of the content. Blocks are 12 bytes past a multiple
 * of 16, so that contents are aligned. The smallest gap is 16 bytes and has no room for the last field.
 */
export const HEADER: usize = 20;
/** Offsets in the header. */
export const LINK: usize = 4;
export const REACHED: usize = 8;
export const CLASS: usize = 12;
export const SIZE: usize = 16;

/** Flag of a block that stays until it is unpinned. */
export const PINNED: usize = 1;
/** Flag of memory that somebody else took from the host: only its first four bytes are ours. */
const FOREIGN: usize = 2;
const FLAGS: usize = 15;

/** Blocks up to this size are put into the current gap; for a larger one a place is looked for. */
const MEDIUM: usize = 1024;
/** From this size on a gap counts as large. */
const LARGE: usize = 4096;
/** Largest content. */
const MAX_SIZE: usize = 1073741784;

/** Heads of the lists of gaps, lowest address first; only their link is used. */
const SMALL_GAPS: usize = memory.data(8, 4);
const LARGE_GAPS: usize = memory.data(8, 4);

/** The gap that is being filled. */
let at: usize = 0;
let end: usize = 0;

/** Bounds of the heap; 0 until the first block is wanted. */
let first: usize = 0;
let limit: usize = 0;

/** Number of the latest collection. */
let collection: u32 = 0;

/** Bytes that may be taken until the next collection is due. */
let budget: isize = 0;

/** Whether as much was allocated as `startBudget` allowed. */
export function isExhausted(): bool {
  return budget < 0;
}

/** The budget is used up, whatever was taken of it. */
export function collectSoon(): void {
  budget = -1;
}

export function startBudget(bytes: usize): void {
  budget = bytes;
}

/** A block for that much content; the header has its size and nothing else. */
export function takeBlock(content: usize): usize {
  if (content > MAX_SIZE) throw new Error("allocation too large");
  const size = sizeFor(content);
  budget -= size;
  let block = at;
  if (size > end - block) block = findPlace(size);
  else at = block + size;
  store<usize>(block, size);
  return block;
}

/** Makes room for that much content in the block where it is; false when there is none. */
export function resizeBlock(block: usize, content: usize): bool {
  const size = sizeOf(block);
  const wanted = sizeFor(content);
  if (content > MAX_SIZE) return false;
  if (wanted <= size) return true;
  if (block + size != at || wanted > end - block) return false;
  budget -= wanted - size;
  at = block + wanted;
  store<usize>(block, wanted | (load<usize>(block) & FLAGS));
  return true;
}

/** Begins a collection; blocks that are given its number, and pinned ones, outlive it. */
export function beginCollection(): u32 {
  close();
  return ++collection;
}

/** The first pinned block behind `block`, or 0; 0 stands for the beginning. Only during a collection. */
export function nextPinned(block: usize): usize {
  for (let next = block == 0 ? first : block + sizeOf(block); next < limit; next += sizeOf(next)) {
    if ((load<usize>(next) & PINNED) != 0) return next;
  }
  return 0;
}

/** Ends a collection: everything else becomes gaps. Returns the bytes that outlived it. */
export function sweep(): usize {
  let live: usize = 0;
  let small = SMALL_GAPS;
  let large = LARGE_GAPS;
  let next: usize = 0;
  for (let block = first; block < limit; block = next) {
    next = block + sizeOf(block);
    if (isAlive(block)) {
      live += next - block;
      continue;
    }
    while (next < limit && !isAlive(next)) next += sizeOf(next);
    store<usize>(block, next - block);
    if (next - block < LARGE) {
      link(small, block);
      small = block;
    } else {
      link(large, block);
      large = block;
    }
  }
  link(small, 0);
  link(large, 0);
  at = end = 0;
  return live;
}

function sizeFor(content: usize): usize {
  return (content + HEADER + 15) & ~15;
}

function sizeOf(block: usize): usize {
  return load<usize>(block) & ~FLAGS;
}

function isAlive(block: usize): bool {
  return (load<usize>(block) & FLAGS) != 0 || load<u32>(block, REACHED) == collection;
}

function link(gap: usize, next: usize): void {
  store<usize>(gap, next, LINK);
}

function follow(gap: usize): usize {
  return load<usize>(gap, LINK);
}

/** Makes a dead block of some memory. */
function makeGap(from: usize, to: usize): void {
  store<usize>(from, to - from);
  store<u32>(from, 0, REACHED);
}

/** Leaves the rest of the current gap, so that the heap can be walked. */
function close(): void {
  if (at < end) makeGap(at, end);
}

function findPlace(size: usize): usize {
  if (size > MEDIUM) {
    const block = findLarge(size);
    if (block != 0) return block;
    if (size > end - at) grow(size);
  } else if (!open(SMALL_GAPS, size) && !open(LARGE_GAPS, size)) grow(size);
  const block = at;
  at += size;
  return block;
}

/** Goes on in the first gap of the list that is large enough; those before it wait for the next collection. */
function open(list: usize, size: usize): bool {
  let gap = follow(list);
  while (gap != 0 && load<usize>(gap) < size) gap = follow(gap);
  link(list, gap == 0 ? 0 : follow(gap));
  if (gap == 0) return false;
  close();
  at = gap;
  end = gap + load<usize>(gap);
  return true;
}

/** The beginning of the first large gap that is large enough; 0 = none is. */
function findLarge(size: usize): usize {
  let before = LARGE_GAPS;
  let gap = follow(before);
  while (gap != 0 && load<usize>(gap) < size) {
    before = gap;
    gap = follow(gap);
  }
  if (gap == 0) return 0;
  const rest = gap + size;
  const stop = gap + load<usize>(gap);
  if (rest < stop) {
    makeGap(rest, stop);
    link(rest, follow(gap));
    link(before, rest);
  } else link(before, follow(gap));
  return gap;
}

/** Takes memory from the host and goes on there; the first time, what it has given already. */
function grow(size: usize): void {
  if (limit == 0) {
    first = at = ((__heap_base + 19) & ~15) - 4;
    end = ((<usize>memory.size()) << 16) - 4;
    if (end < first + 16) more(1);
    limit = end = ((<usize>memory.size()) << 16) - 4;
    if (size <= end - at) return;
  }
  let from = ((<usize>memory.size()) << 16) - 4;
  if (from != limit) {
    // Begins behind the last of what others took.
    from += 16;
    store<usize>(limit, (from - limit) | FOREIGN);
  }
  if (from != end) {
    close();
    at = from;
  }
  // A place behind foreign memory begins 16 bytes later.
  more(<i32>((size + 16 + 0xffff) >>> 16));
  limit = end = ((<usize>memory.size()) << 16) - 4;
}

/** At least so many pages, and some in proportion to those there are. */
function more(pages: i32): void {
  if (memory.grow(max(pages, memory.size() >> 3)) >= 0 || memory.grow(pages) >= 0) return;
  throw new Error("out of memory");
}
