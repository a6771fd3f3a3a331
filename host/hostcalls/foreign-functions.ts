import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HostcallEnv } from "./env";
import { NOTHING } from "./foreign/call";
import { FOREIGN_FUNCTIONS } from "./foreign/table";

export const foreignFunctions = (env: HostcallEnv): Hostcalls<"proxy_call_foreign_function"> => ({
  proxy_call_foreign_function(namePtr, nameSize, argPtr, argSize, pointerAt, sizeAt) {
    const name = env.memory.latin1(namePtr, nameSize);
    const argument = env.memory.copy(argPtr, argSize);
    if (name === undefined || !argument) return Status.InvalidMemoryAccess;
    if (!Object.hasOwn(FOREIGN_FUNCTIONS, name)) return Status.NotFound;
    const { context, caller } = env;
    const result = FOREIGN_FUNCTIONS[name]!({ context, caller, argument });
    const wanted = pointerAt !== 0 && sizeAt !== 0;
    const stored = wanted
      ? env.put(typeof result === "number" ? NOTHING : result, pointerAt, sizeAt)
      : Status.Ok;
    return typeof result === "number" ? result : stored;
  },
});
