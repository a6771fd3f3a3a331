import type { ClusterConfig } from "./cluster";
import type { AddressConfig } from "./common";
import type { ListenerConfig } from "./listener";
import type { WasmServiceConfig } from "./wasm";

/** The typed model of a validated bootstrap file: Envoy's v3 fields under camelCase names, defaults filled in. */
export interface Bootstrap {
  /** The file as it was read, for messages. */
  file: string;
  /** Plain JSON of the whole file after overrides, snake_case as Envoy prints it in /config_dump. */
  raw: Record<string, unknown>;
  node: NodeConfig;
  admin: AddressConfig | undefined;
  statsTags: StatsTag[];
  /** `stats_config.use_all_default_tags`, default true. */
  useDefaultTags: boolean;
  /** `stats_flush_interval`, milliseconds, default 5000. */
  statsFlushIntervalMs: number;
  /** `bootstrap_extensions`: plugins that serve no listener. */
  services: WasmServiceConfig[];
  /** An entry for each filter chain. */
  listeners: ListenerConfig[];
  clusters: ClusterConfig[];
}

export interface NodeConfig {
  id: string;
  cluster: string;
  locality: { region: string; zone: string; subZone: string };
  metadata: Record<string, unknown>;
}

/** Exactly one of `regex` and `fixedValue` is set. */
export interface StatsTag {
  tagName: string;
  regex: string | undefined;
  fixedValue: string | undefined;
}
