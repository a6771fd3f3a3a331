/** Something that is ready and that nobody sees yet: neither carrying it out nor dropping it can fail. */
export interface Change {
  /** What is different then, in words. */
  readonly names: readonly string[];
  commit(): void;
  drop(): void;
}

/** Several changes as one. */
export function together(changes: readonly Change[]): Change {
  return {
    names: changes.flatMap(({ names }) => names),
    commit: () => {
      for (const change of changes) change.commit();
    },
    drop: () => {
      for (const change of changes) change.drop();
    },
  };
}
