import "./abort";

/** A known callback with one parameter too few: refused at load. */
export function proxy_abi_version_0_2_1(): void {}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_request_headers(context: u32, count: u32): u32 {
  return context + count;
}
