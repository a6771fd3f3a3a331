import "./abort";
import * as env from "../../sdk/env";

/** Exports both allocators; the one that is called shows in the name of a response header. */
export function proxy_abi_version_0_2_1(): void {}

const OUT = memory.data(8, 8);
let used: u8 = 0;

export function malloc(size: usize): usize {
  used = 0x6d; // m
  return heap.alloc(size);
}

export function proxy_on_memory_allocate(size: usize): usize {
  used = 0x70; // p
  return heap.alloc(size);
}

export function proxy_on_response_headers(context: u32, count: u32, eos: u32): u32 {
  const name = heap.alloc(1);
  env.proxy_get_header_map_pairs(2, OUT, OUT + 4);
  store<u8>(name, used);
  env.proxy_add_header_map_value(2, name, 1, name, 1);
  return 0;
}
