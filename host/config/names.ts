import type { FieldPath } from "./path";

/** Fields whose maps are the user's own: keys in there are no field names. */
const FREE_FORM: ReadonlySet<string> = new Set([
  "metadata",
  "filter_metadata",
  "value",
  "key_values",
  "allowed_capabilities",
  "typed_extension_protocol_options",
]);

/** `portValue` -> `port_value`. */
export function toSnake(name: string): string {
  return /^[a-z][a-zA-Z0-9]*$/.test(name)
    ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    : name;
}

/**
 * Protobuf's JSON form allows both spellings of a field; the rest of this folder reads only snake_case.
 * `twice` hears of fields that stand in one message in both: Envoy refuses that or takes the later, by field (observed).
 */
export function normalizeNames(
  value: unknown,
  twice: (path: FieldPath) => void,
  path: FieldPath = [],
  free = false,
): unknown {
  if (Array.isArray(value))
    return value.map((item, index) => normalizeNames(item, twice, [...path, index], free));
  if (typeof value !== "object" || value === null) return value;
  const seen = new Set<string>();
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const name = free ? key : toSnake(key);
      if (seen.has(name)) twice([...path, key]);
      seen.add(name);
      // Metadata holds a message one level down; what is inside that is the user's again.
      return [name, normalizeNames(item, twice, [...path, key], free || FREE_FORM.has(name))];
    }),
  );
}
