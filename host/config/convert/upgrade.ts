import type { HttpFilterConfig, ManagerUpgrade, RouteUpgrade } from "../model";
import type { RawManager, RawRouteConfig } from "../schema/bootstrap";

type RawUpgrade = NonNullable<RawManager["upgrade_configs"]>[number];
type RawRoute = NonNullable<NonNullable<RawRouteConfig["virtual_hosts"]>[number]["routes"]>[number];
type RawRouteUpgrades = NonNullable<RawRoute["route"]>["upgrade_configs"];

/** `convertFilters`: of the entry with that index. */
export function convertManagerUpgrades(
  raw: readonly RawUpgrade[] | undefined,
  convertFilters: (filters: NonNullable<RawUpgrade["filters"]>, index: number) => HttpFilterConfig[],
): ManagerUpgrade[] {
  return (raw ?? []).map(({ upgrade_type, enabled, filters }, i) => ({
    type: upgrade_type.toLowerCase(),
    enabled: enabled ?? true,
    filters: filters && filters.length > 0 ? convertFilters(filters, i) : undefined,
  }));
}

export function convertRouteUpgrades(raw: RawRouteUpgrades): ReadonlyMap<string, RouteUpgrade> | undefined {
  if (!raw || raw.length === 0) return undefined;
  return new Map(
    raw.map(({ upgrade_type, enabled, connect_config }) => [
      upgrade_type.toLowerCase(),
      { enabled: enabled ?? true, terminate: connect_config !== undefined },
    ]),
  );
}
