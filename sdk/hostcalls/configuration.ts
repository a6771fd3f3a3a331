import { BufferType } from "../abi/buffer-type";
import { Status } from "../abi/status";
import { proxy_get_buffer_bytes } from "../env";
import { decode } from "../memory/decode";
import { OUT } from "../memory/layout";
import { structToJson } from "../memory/struct";

/** Text of a configuration, during `onVmStart` or `onConfigure`; one written as a Struct comes as JSON. */
export function configuration(type: BufferType, size: i32): string {
  if (size == 0 || proxy_get_buffer_bytes(type, 0, <usize>size, OUT, OUT + 4) != Status.Ok) return "";
  const bytes = load<usize>(OUT);
  const length = load<usize>(OUT, 4);
  return structToJson(bytes, length) || decode(bytes, length);
}
