import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HostcallEnv } from "./env";

type Names = "proxy_set_tick_period_milliseconds" | "proxy_set_effective_context" | "proxy_done";

export const contexts = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_set_tick_period_milliseconds(ms) {
    env.context.root.setTickPeriod(ms >>> 0);
    return Status.Ok;
  },
  proxy_set_effective_context: (id) => (env.instance.setEffective(id >>> 0) ? Status.Ok : Status.BadArgument),
  proxy_done() {
    const { context } = env;
    return context === context.root && context.root.done() ? Status.Ok : Status.NotFound;
  },
});
