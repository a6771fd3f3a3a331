import "./abort";

declare function proxy_no_such_hostcall(): i32;

/** Imports a hostcall that does not exist: a link error. */
export function proxy_abi_version_0_2_1(): void {}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_log(context: u32): void {
  proxy_no_such_hostcall();
}
