import "./abort";

/** An ABI version that no host knows: refused at load. */
export function proxy_abi_version_0_3_0(): void {}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}
