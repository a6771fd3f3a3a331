import type { ListenerConfig } from "../config/model";
import type { AccessLogger } from "../stream/access-logger";
import type { FilterFactory } from "../stream/filter";
import type { NetworkFilterFactory } from "../stream/network-filter";
import type { Change } from "./update/change";

/** The filters of one listener, in chain order, and what logs its HTTP streams. */
export interface ListenerFilters {
  http: readonly FilterFactory[];
  loggers: readonly AccessLogger[];
  /** In place of `http` for upgrades of a type; undefined = none has filters of its own. */
  upgrades?: ReadonlyMap<string, readonly FilterFactory[]>;
  network: readonly NetworkFilterFactory[];
}

/** The filters of one filter chain, and what can be done to them while they serve. */
export interface LoadedFilters {
  readonly filters: ListenerFilters;
  /** Gets ready what another version of the file says of the same filters. Throws ConfigError. */
  prepare?(chain: ListenerConfig): Promise<Change>;
  /** Nobody will ask for one any more. */
  unload?(): void;
}
