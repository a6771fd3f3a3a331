import { Status } from "../abi/status";
import { proxy_done, proxy_set_effective_context } from "../env";

/**
 * Makes the following hostcalls of this callback act on another context, e.g. a stream from `onTick`. 0 = back to the
 * callback's own. `Status.BadArgument` when that context is gone.
 */
export function setEffectiveContext(contextId: u32): Status {
  return proxy_set_effective_context(contextId);
}

/** Ends a root context whose `onDone` returned false. */
export function done(): Status {
  return proxy_done();
}
