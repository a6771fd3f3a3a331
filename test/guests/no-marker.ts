import "./abort";

/** No `proxy_abi_version_*`: refused at load. */
export function malloc(size: usize): usize {
  return heap.alloc(size);
}
