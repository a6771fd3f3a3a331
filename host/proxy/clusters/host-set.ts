import type { HostSetsConfig, Locality } from "../../config/model/host-sets";
import type { Host } from "./host";

/** Hosts, and those of them that are healthy, ...; `excluded` ones may be any of these. */
export interface HostGroup {
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  readonly excluded: readonly Host[];
}

/** The hosts of one locality in one priority. */
export interface LocalityGroup extends HostGroup {
  /** Share of the priority's traffic; 0 = none. Counts only where localities are weighted. */
  readonly weight: number;
}

/** The hosts of one priority as they are now. When anything changes there is a new one. */
export interface HostSet extends HostGroup {
  /** The proxy's own locality first, then in the order of their names. */
  readonly localities: readonly LocalityGroup[];
}

function group(hosts: readonly Host[]): HostGroup {
  return {
    hosts,
    healthy: hosts.filter(({ health }) => health === "healthy"),
    degraded: hosts.filter(({ health }) => health === "degraded"),
    excluded: hosts.filter(({ excluded }) => excluded),
  };
}

const keyOf = ({ region, zone, subZone }: Locality) => JSON.stringify([region, zone, subZone]);

/** Region, zone and sub-zone compared as bytes are. */
function compare(a: Host, b: Host): number {
  const [one, other] = [a.endpoint.locality, b.endpoint.locality];
  for (const part of ["region", "zone", "subZone"] as const)
    if (one[part] !== other[part]) return one[part] < other[part] ? -1 : 1;
  return 0;
}

/** Groups the hosts of one priority. */
export function hostSet(hosts: readonly Host[], { localLocality }: HostSetsConfig): HostSet {
  const local = keyOf(localLocality);
  const byLocality = new Map<string, Host[]>();
  for (const host of hosts) {
    const key = keyOf(host.endpoint.locality);
    const own = byLocality.get(key);
    if (own) own.push(host);
    else byLocality.set(key, [host]);
  }
  const sorted = [...byLocality].sort(([a, [hostA]], [b, [hostB]]) => {
    if (a === local || b === local) return a === local ? -1 : 1;
    return compare(hostA!, hostB!);
  });
  const localities = sorted.map(([, own]) => ({ ...group(own), weight: own[0]!.endpoint.localityWeight }));
  return { ...group(hosts), localities };
}

/** Those hosts of a set that a predicate takes; localities stay, be they empty, with the weights that they have. */
export function subsetOf(set: HostSet, fits: (host: Host) => boolean): HostSet {
  const part = (of: HostGroup): HostGroup => ({
    hosts: of.hosts.filter(fits),
    healthy: of.healthy.filter(fits),
    degraded: of.degraded.filter(fits),
    excluded: of.excluded.filter(fits),
  });
  return {
    ...part(set),
    localities: set.localities.map((locality) => ({ ...part(locality), weight: locality.weight })),
  };
}
