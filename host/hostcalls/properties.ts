import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import { getProperty } from "../stores/properties";
import type { HostcallEnv } from "./env";

type Names = "proxy_get_property" | "proxy_set_property";

export const properties = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_get_property(ptr, size, pointerAt, sizeAt) {
    const path = env.memory.latin1(ptr, size);
    if (path === undefined) return Status.InvalidMemoryAccess;
    const value = getProperty(env.context.properties(), path);
    return typeof value === "number" ? value : env.put(value, pointerAt, sizeAt);
  },
  proxy_set_property(ptr, size, valuePtr, valueSize) {
    const path = env.memory.latin1(ptr, size);
    const value = env.memory.copy(valuePtr, valueSize);
    if (path === undefined || !value) return Status.InvalidMemoryAccess;
    return env.context.setProperty(path, value);
  },
});
