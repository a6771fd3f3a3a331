import type { Clock } from "../clock";
import type { ListenerConfig, NodeConfig } from "../config/model";
import type { HttpCaller } from "../context/http-caller";
import type { LogFiles } from "./access-log/log-files";
import { createLoggers } from "./access-log/loggers";
import type { ChainFactory } from "./chain";
import type { ClusterManager } from "./clusters/cluster-manager";
import type { OnBug } from "./contain";
import { ConnectionManager } from "./downstream/connection-manager";
import { type ConnectionService, listenerPrefix } from "./listener";
import type { ListenerFilters } from "./listener-filters";
import type { StatsStore } from "./stats/store";
import { FilteredHttp } from "./tcp/filtered-http";
import { TcpService } from "./tcp/tcp-service";

/** What of a proxy serves connections. */
export interface ServiceDeps {
  clock: Clock;
  store: StatsStore;
  clusters: ClusterManager;
  caller: HttpCaller;
  logFiles: LogFiles;
  node: NodeConfig;
  health: { readonly failed: boolean };
  onBug: OnBug;
  /** Puts filters around a stream. */
  chainFactory(filters: ListenerFilters, bufferLimit: number, listener: string): ChainFactory;
}

/** What serves the connections of one filter chain. */
export function createService(
  config: ListenerConfig,
  filters: ListenerFilters,
  deps: ServiceDeps,
): ConnectionService {
  const { clock, store, clusters, onBug } = deps;
  const logging = { clock, files: deps.logFiles, wasm: filters.loggers };
  if (config.kind === "tcp") {
    const loggers = createLoggers(config.tcp.accessLogs, logging, "TcpConnectionEnd");
    return new TcpService(config, { loggers, clock, store, clusters, filters: filters.network, onBug });
  }
  const logged = { ...filters, loggers: createLoggers(config.http.accessLogs, logging, "DownstreamEnd") };
  const bufferLimit = config.perConnectionBufferLimitBytes;
  const manager = new ConnectionManager(config, {
    clock,
    store,
    clusters,
    caller: deps.caller,
    node: deps.node,
    health: deps.health,
    listenerPrefix: listenerPrefix(config),
    onBug,
    createChain: deps.chainFactory(logged, bufferLimit, config.name),
    upgradeChains: new Map(
      [...(filters.upgrades ?? [])].map(([type, http]) => [
        type,
        deps.chainFactory({ ...logged, http }, bufferLimit, config.name),
      ]),
    ),
  });
  if (filters.network.length === 0) return manager;
  return new FilteredHttp(manager, { clock, filters: filters.network, onBug, bufferLimit });
}
