import { BufferType } from "../abi/buffer-type";
import { proxyBuffer } from "./buffers";

/** Text of a configuration, during `onVmStart` or `onConfigure`. */
export function configuration(type: BufferType, size: i32): string {
  return size == 0 ? "" : proxyBuffer(type).text(0, size);
}
