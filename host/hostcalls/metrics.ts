import { MetricType } from "../../sdk/abi/metric-type";
import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HostcallEnv } from "./env";

type Names = "proxy_define_metric" | "proxy_increment_metric" | "proxy_record_metric" | "proxy_get_metric";

export const metrics = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_define_metric(type, ptr, size, idAt) {
    if (type >>> 0 > MetricType.Histogram) return Status.BadArgument;
    const name = env.memory.latin1(ptr, size);
    if (name === undefined) return Status.InvalidMemoryAccess;
    const id = env.instance.deps.metrics.define(type, name);
    return id === undefined ? Status.InternalFailure : env.put32(idAt, id);
  },
  proxy_increment_metric: (id, delta) => env.instance.deps.metrics.increment(id >>> 0, delta),
  proxy_record_metric: (id, value) => env.instance.deps.metrics.record(id >>> 0, value),
  proxy_get_metric(id, valueAt) {
    const value = env.instance.deps.metrics.get(id >>> 0);
    return typeof value === "bigint" ? env.put64(valueAt, value) : value;
  },
});
