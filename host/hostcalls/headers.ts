import { MapType } from "../../sdk/abi/map-type";
import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HeaderMap } from "../stores/header-map";
import { decodePairs, encodePairs } from "../stores/pairs";
import type { HostcallEnv } from "./env";

type Names =
  | "proxy_get_header_map_size"
  | "proxy_get_header_map_pairs"
  | "proxy_set_header_map_pairs"
  | "proxy_get_header_map_value"
  | "proxy_add_header_map_value"
  | "proxy_replace_header_map_value"
  | "proxy_remove_header_map_value";

const unknown = (type: number) => type >>> 0 > MapType.HttpCallResponseTrailers;

/** CR, LF and NUL would split or end the message on the wire; Envoy lets them through, this host does not. */
function unsafe(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 13 || code === 10 || code === 0) return true;
  }
  return false;
}

/** Safe names already put into lower case; forgotten all at once when there are too many, long ones never remembered. */
const lowered = new Map<string, string>();
const MAX_LOWERED = 4096;
const MAX_REMEMBERED = 64;

/** Lower-case; in request headers `host` is `:authority`. Undefined = not a name to be written. */
function writable(type: number, name: string): string | undefined {
  let lower = lowered.get(name);
  if (lower === undefined) {
    if (unsafe(name)) return undefined;
    lower = name.toLowerCase();
    if (name.length <= MAX_REMEMBERED) {
      if (lowered.size >= MAX_LOWERED) lowered.clear();
      lowered.set(name, lower);
    }
  }
  return type === MapType.HttpRequestHeaders && lower === "host" ? ":authority" : lower;
}

/** The same for reading, where any name may be asked for. */
function readable(type: number, name: string): string {
  return writable(type, name) ?? name;
}

/** Runs one change on a live map. */
function change(env: HostcallEnv, type: number, edit: (map: HeaderMap) => void): Status {
  const map = env.context.writableMap(type);
  if (!map) return Status.BadArgument;
  edit(map);
  env.context.mapChanged(type);
  return Status.Ok;
}

type Edit = (map: HeaderMap, key: string, value: string) => void;

const writer =
  (env: HostcallEnv, edit: Edit) =>
  (type: number, keyPtr: number, keySize: number, valuePtr: number, valueSize: number): Status => {
    if (unknown(type)) return Status.BadArgument;
    const key = env.memory.latin1(keyPtr, keySize);
    const value = env.memory.latin1(valuePtr, valueSize);
    if (key === undefined || value === undefined) return Status.InvalidMemoryAccess;
    const name = writable(type, key);
    if (name === undefined || unsafe(value)) return Status.BadArgument;
    const { context } = env;
    const map = context.writableMap(type);
    if (!map) return Status.BadArgument;
    edit(map, name, value);
    context.mapChanged(type);
    return Status.Ok;
  };

export const headers = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_get_header_map_size(type, sizeAt) {
    const map = unknown(type) ? undefined : env.context.writableMap(type);
    return map ? env.put32(sizeAt, map.byteSize) : Status.BadArgument;
  },
  proxy_get_header_map_pairs(type, pointerAt, sizeAt) {
    if (unknown(type)) return Status.BadArgument;
    const map = env.context.readableMap(type);
    return env.put(map && map.size > 0 ? encodePairs(map) : "", pointerAt, sizeAt);
  },
  proxy_set_header_map_pairs(type, ptr, size) {
    if (unknown(type)) return Status.BadArgument;
    const data = env.memory.copy(ptr, size);
    if (!data) return Status.InvalidMemoryAccess;
    const pairs = decodePairs(data);
    const names = pairs.map(([key, value]) => (unsafe(value) ? undefined : writable(type, key)));
    if (names.includes(undefined)) return Status.BadArgument;
    return change(env, type, (map) => {
      map.clear();
      for (const [i, [, value]] of pairs.entries()) map.add(names[i]!, value);
    });
  },
  proxy_get_header_map_value(type, keyPtr, keySize, pointerAt, sizeAt) {
    if (unknown(type)) return Status.BadArgument;
    const key = env.memory.latin1(keyPtr, keySize);
    if (key === undefined) return Status.InvalidMemoryAccess;
    const { context } = env;
    const map = context.readableMap(type);
    if (!map && !context.unavailableMapIsNotFound) return Status.BadArgument;
    const value = map?.get(readable(type, key));
    // ABI 0.1.0 has no NotFound here: a missing header reads as empty.
    if (value === undefined && env.atLeast("0.2.0")) return Status.NotFound;
    return env.put(value ?? "", pointerAt, sizeAt);
  },
  proxy_add_header_map_value: writer(env, (map, key, value) => map.add(key, value)),
  proxy_replace_header_map_value: writer(env, (map, key, value) => map.replace(key, value)),
  proxy_remove_header_map_value(type, keyPtr, keySize) {
    if (unknown(type)) return Status.BadArgument;
    const key = env.memory.latin1(keyPtr, keySize);
    if (key === undefined) return Status.InvalidMemoryAccess;
    return change(env, type, (map) => map.remove(readable(type, key)));
  },
});
