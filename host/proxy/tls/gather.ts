import { ConfigError, type ConfigIssue } from "../../errors";

/** Makes a thing of each item; what is wrong with the files of all of them is thrown together. */
export function gather<T, R>(items: readonly T[], make: (item: T) => R): R[] {
  const issues: ConfigIssue[] = [];
  const made: R[] = [];
  for (const item of items) {
    try {
      made.push(make(item));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      issues.push(...error.issues);
    }
  }
  if (issues.length > 0) throw new ConfigError(issues);
  return made;
}
