import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HostcallEnv } from "./env";

type Names = "proxy_get_shared_data" | "proxy_set_shared_data";

export const sharedData = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_get_shared_data(keyPtr, keySize, pointerAt, sizeAt, casAt) {
    const key = env.memory.latin1(keyPtr, keySize);
    if (key === undefined) return Status.InvalidMemoryAccess;
    const { sharedData: data, vmId } = env.instance.deps;
    const found = data.get(vmId, key);
    if (!found) return Status.NotFound;
    return env.put(found.value, pointerAt, sizeAt) || env.put32(casAt, found.cas);
  },
  proxy_set_shared_data(keyPtr, keySize, valuePtr, valueSize, cas) {
    const key = env.memory.latin1(keyPtr, keySize);
    const value = env.memory.copy(valuePtr, valueSize);
    if (key === undefined || !value) return Status.InvalidMemoryAccess;
    const { sharedData: data, vmId } = env.instance.deps;
    return data.set(vmId, key, value, cas >>> 0) ? Status.Ok : Status.CasMismatch;
  },
});
