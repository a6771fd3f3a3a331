import { BufferType } from "../../sdk/abi/buffer-type";
import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HostcallEnv } from "./env";

type Names =
  | "proxy_get_configuration"
  | "proxy_get_buffer_bytes"
  | "proxy_get_buffer_status"
  | "proxy_set_buffer_bytes";

const EMPTY = Buffer.alloc(0);
/** Types that are NotFound when there is nothing; the others read as empty. */
const ABSENT_IS_NOT_FOUND: ReadonlySet<number> = new Set([
  BufferType.HttpCallResponseBody,
  BufferType.PluginConfiguration,
]);

function read(env: HostcallEnv, type: number): Buffer | Status {
  if (type >>> 0 > BufferType.CallData) return Status.BadArgument;
  const buffer = env.context.buffer(type);
  if (buffer) return buffer.get();
  return ABSENT_IS_NOT_FOUND.has(type) ? Status.NotFound : EMPTY;
}

/** `start` 0 drops `size` bytes and prepends; at or past the end appends; in the middle is refused, as in Envoy. */
function edited(before: Buffer, start: number, size: number, data: Buffer): Buffer | undefined {
  if (start === 0) return size >= before.length ? data : Buffer.concat([data, before.subarray(size)]);
  return start >= before.length ? Buffer.concat([before, data]) : undefined;
}

export const buffers = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_get_configuration(pointerAt, sizeAt) {
    // The plugin's while it can be read (on_configure, a root's on_context_create), else the VM's.
    const own = env.context.buffer(BufferType.PluginConfiguration);
    const buffer = own ?? env.context.buffer(BufferType.VmConfiguration);
    return env.put(buffer?.get() ?? EMPTY, pointerAt, sizeAt);
  },
  proxy_get_buffer_bytes(type, start, max, pointerAt, sizeAt) {
    const data = read(env, type);
    if (typeof data === "number") return data;
    const from = Math.min(start >>> 0, data.length);
    return env.put(data.subarray(from, Math.min(from + (max >>> 0), data.length)), pointerAt, sizeAt);
  },
  proxy_get_buffer_status(type, lengthAt, flagsAt) {
    const data = read(env, type);
    if (typeof data === "number") return data;
    return env.put32(lengthAt, data.length) || env.put32(flagsAt, 0);
  },
  proxy_set_buffer_bytes(type, start, size, ptr, dataSize) {
    if (type >>> 0 > BufferType.CallData) return Status.BadArgument;
    const buffer = env.context.buffer(type);
    if (!buffer) return ABSENT_IS_NOT_FOUND.has(type) ? Status.NotFound : Status.BadArgument;
    const data = env.memory.copy(ptr, dataSize);
    if (!data) return Status.InvalidMemoryAccess;
    if (!buffer.set) return Status.BadArgument;
    const after = edited(buffer.get(), start >>> 0, size >>> 0, data);
    if (!after) return Status.BadArgument;
    buffer.set(after);
    return Status.Ok;
  },
});
