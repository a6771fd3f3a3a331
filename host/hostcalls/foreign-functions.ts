import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { Context } from "../context/context";
import type { HostcallEnv } from "./env";

type ForeignFunction = (context: Context, argument: Buffer) => Buffer | Status;

const EMPTY = Buffer.alloc(0);

/** Functions by name; each gets the effective context and its argument. */
const FUNCTIONS: Readonly<Record<string, ForeignFunction>> = {
  clear_route_cache(context) {
    context.clearRouteCache();
    return EMPTY;
  },
};

export const foreignFunctions = (env: HostcallEnv): Hostcalls<"proxy_call_foreign_function"> => ({
  proxy_call_foreign_function(namePtr, nameSize, argPtr, argSize, pointerAt, sizeAt) {
    const name = env.memory.latin1(namePtr, nameSize);
    const argument = env.memory.copy(argPtr, argSize);
    if (name === undefined || !argument) return Status.InvalidMemoryAccess;
    if (!Object.hasOwn(FUNCTIONS, name)) return Status.NotFound;
    const result = FUNCTIONS[name]!(env.context, argument);
    const wanted = pointerAt !== 0 && sizeAt !== 0;
    const stored = wanted
      ? env.put(typeof result === "number" ? EMPTY : result, pointerAt, sizeAt)
      : Status.Ok;
    return typeof result === "number" ? result : stored;
  },
});
