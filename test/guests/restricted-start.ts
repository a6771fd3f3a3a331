import "./abort";
import * as env from "../../sdk/env";

/** Top-level code makes a hostcall that is not allowed before a context exists: refused at load. */
export function proxy_abi_version_0_2_1(): void {}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

const OUT = memory.data(8, 8);
env.proxy_get_property(0, 0, OUT, OUT + 4);
