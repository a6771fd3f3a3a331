/** ABI versions in the order they came; the index is their rank. */
export const ABI_VERSIONS = ["0.1.0", "0.2.0", "0.2.1"] as const;
export type AbiVersion = (typeof ABI_VERSIONS)[number];

export function atLeast(version: AbiVersion, other: AbiVersion): boolean {
  return ABI_VERSIONS.indexOf(version) >= ABI_VERSIONS.indexOf(other);
}

/** Is something that exists from `since` to `until` (both inclusive, absent = open) part of `version`? */
export function inVersion(version: AbiVersion, row: { since?: AbiVersion; until?: AbiVersion }): boolean {
  return atLeast(version, row.since ?? "0.1.0") && atLeast(row.until ?? "0.2.1", version);
}

const MARKER = /^proxy_abi_version_(\d+)_(\d+)_(\d+)$/;

/** The version a module asks for: the first function export, in export order, that is a known marker. */
export function detectVersion(functionExports: Iterable<string>): AbiVersion | undefined {
  for (const name of functionExports) {
    const version = MARKER.exec(name)?.slice(1).join(".");
    const known = ABI_VERSIONS.find((v) => v === version);
    if (known) return known;
  }
  return undefined;
}
