import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HostcallEnv } from "./env";

/** Addresses of hosts, which only Envoy's ABI has. */
export const names = (env: HostcallEnv): Hostcalls<"envoy_resolve_dns"> => ({
  envoy_resolve_dns(ptr, size, tokenAt) {
    const name = env.memory.latin1(ptr, size);
    // The question is put only if the token can be stored.
    if (name === undefined || !env.memory.contains(tokenAt, 4)) return Status.InvalidMemoryAccess;
    const token = env.context.root.names.resolve(name);
    return token === undefined ? Status.InternalFailure : env.put32(tokenAt, token);
  },
});
