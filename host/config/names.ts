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

/** Protobuf's JSON form allows both spellings of a field; the rest of this folder reads only snake_case. */
export function normalizeNames(value: unknown, free = false): unknown {
  if (Array.isArray(value)) return value.map((item) => normalizeNames(item, free));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const name = free ? key : toSnake(key);
      // Metadata holds a message one level down; what is inside that is the user's again.
      return [name, normalizeNames(item, free || FREE_FORM.has(name))];
    }),
  );
}
