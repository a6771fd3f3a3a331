import {
  beginCollection,
  CLASS,
  collectSoon,
  HEADER,
  LINK,
  nextPinned,
  PINNED,
  REACHED,
  resizeBlock,
  SIZE,
  sweep,
  takeBlock,
} from "./blocks";

/**
 * Objects and their collector: the runtime of a filter. `proxy-wasm build` puts these functions in the place of the
 * compiler's own runtime. Marking starts at the globals, so a collection is only right when no AssemblyScript frame is
 * live; see heap.ts for when that is.
 */

/** Number of the collection that is under way, or the last one. */
let collection: u32 = 0;

/** Objects that were reached and whose members were not yet looked at, chained by their link. */
let pending: usize = 0;

/** How many blocks are pinned. */
let pins: i32 = 0;

export function newObject(size: usize, id: u32): usize {
  const block = takeBlock(size);
  store<u32>(block, 0, REACHED);
  store<u32>(block, id, CLASS);
  store<u32>(block, size, SIZE);
  return block + HEADER;
}

export function renewObject(object: usize, size: usize): usize {
  const block = object - HEADER;
  const old = <usize>load<u32>(block, SIZE);
  if (object >= __heap_base && resizeBlock(block, size)) {
    store<u32>(block, size, SIZE);
    return object;
  }
  const copy = newObject(size, load<u32>(block, CLASS));
  memory.copy(copy, object, min(size, old));
  return copy;
}

/** Nothing to do for a collector that never runs between two stores. */
export function linkObject(_parent: usize, _child: usize, _many: bool): void {}

export function visitObject(object: usize, _cookie: u32): void {
  if (object == 0) return;
  const block = object - HEADER;
  if (load<u32>(block, REACHED) == collection) return;
  store<u32>(block, collection, REACHED);
  store<usize>(block, pending, LINK);
  pending = object;
}

/** Frees what nothing refers to. Returns the bytes that are left. */
export function collectObjects(): usize {
  collection = beginCollection();
  __visit_globals(0);
  if (pins > 0) {
    for (let block = nextPinned(0); block != 0; block = nextPinned(block)) visitObject(block + HEADER, 0);
  }
  while (pending != 0) {
    const object = pending;
    pending = load<usize>(object - HEADER, LINK);
    __visit_members(object, 0);
  }
  return sweep();
}

/** `__collect` of authors: as soon as the running callback has ended, for until then its locals are in use. */
export function collectNow(): void {
  collectSoon();
}

/** Keeps an object although nothing refers to it. */
export function pinObject(object: usize): usize {
  if (object >= __heap_base) {
    const block = object - HEADER;
    const info = load<usize>(block);
    if ((info & PINNED) != 0) throw new Error("object already pinned");
    store<usize>(block, info | PINNED);
    pins++;
  }
  return object;
}

export function unpinObject(object: usize): void {
  if (object < __heap_base) return;
  const block = object - HEADER;
  const info = load<usize>(block);
  if ((info & PINNED) == 0) throw new Error("object is not pinned");
  store<usize>(block, info & ~PINNED);
  pins--;
}

/** Memory without a class, until it is freed. */
export function allocateRaw(size: usize): usize {
  return pinObject(newObject(size, 0));
}

export function reallocateRaw(address: usize, size: usize): usize {
  const moved = renewObject(address, size);
  if (moved != address) {
    pinObject(moved);
    freeRaw(address);
  }
  return moved;
}

export function freeRaw(address: usize): void {
  unpinObject(address);
}
