import type { SubsetSelector, SubsetsConfig } from "../../config/model/subsets";
import type { Host } from "../clusters/host";
import { canonical, criteriaOf } from "./match-criteria";

/** Where hosts' metadata for balancers stands. */
export const NAMESPACE = "envoy.lb";

/** The hosts of one subset, of all priorities. */
export interface Subset {
  readonly hosts: Set<Host>;
  /** Only the first host counts. */
  readonly singleHost: boolean;
}

export interface SubsetMap {
  /** By the id of the criteria that lead there. */
  readonly subsets: ReadonlyMap<string, Subset>;
  /** Hosts left out because a subset for single hosts had one. */
  readonly duplicates: number;
}

/** Puts every host into the subsets that selectors make for it. */
export function mapSubsets(hosts: readonly Host[], { selectors, listAsAny }: SubsetsConfig): SubsetMap {
  const subsets = new Map<string, Subset>();
  let duplicates = 0;
  for (const host of hosts)
    for (const selector of selectors)
      for (const values of valuesOf(host, selector, listAsAny)) {
        const { id } = criteriaOf(values);
        let subset = subsets.get(id);
        if (!subset) {
          subset = { hosts: new Set(), singleHost: selector.singleHost };
          subsets.set(id, subset);
        }
        if (subset.singleHost && [...subset.hosts].some(({ priority }) => priority === host.priority))
          duplicates++;
        else subset.hosts.add(host);
      }
  return { subsets, duplicates };
}

type Values = readonly (readonly [string, unknown])[];

/** The values of all keys; several of them when a list stands for any of its items; none when a key is missing. */
function valuesOf(host: Host, { keys }: SubsetSelector, listAsAny: boolean): Values[] {
  const fields = host.endpoint.metadata?.[NAMESPACE];
  let all: Values[] = [];
  for (const key of keys) {
    const value = fields?.[key];
    if (value === undefined) return [];
    const choices = listAsAny && Array.isArray(value) ? value : [value];
    const before = all.length === 0 ? [[]] : all;
    all = before.flatMap((values) => choices.map((choice) => [...values, [key, choice] as const]));
  }
  return all;
}

/** Whether a host has all of the fields, as the default subset asks. */
export function hasFields(
  host: Host,
  wanted: Readonly<Record<string, unknown>>,
  listAsAny: boolean,
): boolean {
  const fields = host.endpoint.metadata?.[NAMESPACE];
  return Object.entries(wanted).every(([name, value]) => {
    const own = fields?.[name];
    if (own === undefined) return false;
    const choices = listAsAny && Array.isArray(own) ? own : [own];
    return choices.some((choice) => canonical(choice) === canonical(value));
  });
}
