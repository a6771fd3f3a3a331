const known = new Map<string, string>();
const MOST_KNOWN = 1000;

/** A header's name as `header_key_format: proper_case_words` writes it: `x-request-id` is `X-Request-Id`. */
export function properCase(name: string): string {
  const before = known.get(name);
  if (before !== undefined) return before;
  const made = name.replace(/(^|[^a-z0-9])[a-z]/gi, (letters) => letters.toUpperCase());
  if (known.size < MOST_KNOWN) known.set(name, made);
  return made;
}
