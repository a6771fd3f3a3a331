import type { Host } from "../clusters/host";
import type { HostSet } from "../clusters/host-set";

/** Localities' weights, less where fewer hosts are left than are needed. */
export function effectiveWeights(
  { localities }: HostSet,
  of: "healthy" | "degraded",
  overprovisioningFactor: number,
): number[] {
  return localities.map((locality) => {
    const count = locality.hosts.length - locality.excluded.length;
    if (count === 0) return 0;
    return locality.weight * Math.min(1, ((overprovisioningFactor / 100) * locality[of].length) / count);
  });
}

/** The hosts of a set with their shares, together 1, for policies that give every host its places. */
export function localityShares(
  set: HostSet,
  of: "hosts" | "healthy",
  weighted: boolean,
): { hosts: readonly Host[]; shares: readonly number[] } {
  if (!weighted) return { hosts: set[of], shares: sharesOf(set[of], 1) };
  const total = set.localities.reduce((sum, { weight }) => sum + weight, 0);
  // One without a weight has no places. When none has, Envoy leaves the table empty.
  const some = set.localities.filter(({ weight }) => weight > 0);
  return {
    hosts: some.flatMap((locality) => locality[of]),
    shares: some.flatMap((locality) => sharesOf(locality[of], locality.weight / total)),
  };
}

function sharesOf(hosts: readonly Host[], of: number): number[] {
  const total = hosts.reduce((sum, { weight }) => sum + weight, 0);
  return hosts.map(({ weight }) => (weight * of) / total);
}
