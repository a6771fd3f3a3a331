import "./abort";
import { Bytes } from "../../sdk/memory/bytes";
import { Pairs } from "../../sdk/memory/pairs";

/** The SDK's codec of pairs alone: reads a block and writes it again. */
let kept: Bytes = Bytes.of("");
let count = 0;

export function allocate(size: i32): usize {
  return heap.alloc(size);
}

/** Address of the block written anew. */
export function rewrite(block: usize, size: i32): usize {
  const pairs = Pairs.decode(Bytes.copyOf(block, size));
  count = pairs.length;
  kept = pairs.encode();
  return kept.ptr;
}

export function writtenSize(): i32 {
  return kept.length;
}

/** How many pairs were read. */
export function pairsRead(): i32 {
  return count;
}
