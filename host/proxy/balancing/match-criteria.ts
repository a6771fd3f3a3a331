/** What a route asks of a host's `envoy.lb` metadata. */
export interface MatchCriteria {
  /** By name; made once for each route, as it is looked up for each request. */
  readonly fields: ReadonlyMap<string, unknown>;
  /** The same for the same fields and values, in whatever order the file has them. */
  readonly id: string;
}

/** Names of a subset are in the order of the alphabet, values as JSON with names in that order. */
export function criteriaOf(fields: Iterable<readonly [string, unknown]>): MatchCriteria {
  const sorted = [...fields].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    fields: new Map(sorted),
    id: JSON.stringify(sorted.map(([name, value]) => [name, canonical(value)])),
  };
}

/** What the second has is taken from there. */
export function mergeCriteria(
  base: MatchCriteria | undefined,
  over: Readonly<Record<string, unknown>> | undefined,
): MatchCriteria | undefined {
  if (over === undefined) return base;
  return criteriaOf(new Map([...(base?.fields ?? []), ...Object.entries(over)]));
}

/** Only what `keeps` takes. */
export function narrowCriteria(criteria: MatchCriteria, keeps: (name: string) => boolean): MatchCriteria {
  return criteriaOf([...criteria.fields].filter(([name]) => keeps(name)));
}

/** Values of `Struct` that are equal become equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
