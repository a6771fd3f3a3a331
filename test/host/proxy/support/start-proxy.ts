import { systemClock } from "../../../../host/clock";
import type { Bootstrap } from "../../../../host/config/model";
import { createLogger } from "../../../../host/log";
import type { ListenerFilters } from "../../../../host/proxy/listener-filters";
import { NodeProxy } from "../../../../host/proxy/proxy";
import { PassThrough } from "./pass-through";

export interface StartedProxy {
  proxy: NodeProxy;
  chains: PassThrough;
  port: number;
  adminPort: number;
  log: string[];
}

/** A proxy without filters (or with those given, by listener) on ephemeral ports. */
export async function startProxy(
  bootstrap: Bootstrap,
  filters: readonly ListenerFilters[] = [],
): Promise<StartedProxy> {
  const chains = new PassThrough();
  const log: string[] = [];
  const proxy = new NodeProxy(bootstrap, {
    clock: systemClock,
    log: createLogger((line) => log.push(line)),
    concurrency: 1,
    loadFilters: async () => filters.map((each) => ({ filters: each })),
    chainFactory: () => chains.factory,
    closeFilters: () => {},
  });
  await proxy.start();
  return { proxy, chains, port: proxy.listeners[0]?.port ?? 0, adminPort: proxy.admin?.port ?? 0, log };
}
