import "./abort";
import * as env from "../../sdk/env";

/** Top-level code may log. */
export function proxy_abi_version_0_2_1(): void {}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

const TEXT = heap.alloc(2);
store<u8>(TEXT, 0x68); // h
store<u8>(TEXT + 1, 0x69); // i
env.proxy_log(2, TEXT, 2);
