const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Names that were seen, as they were written, with their lower-case form. */
const known = new Map<string, string>();

/** What strangers send must not fill the memory. */
const MAX_KNOWN = 2000;
const MAX_LENGTH = 64;

/** The lower-case form of a field's name; undefined when it is none. A known name costs one look-up. */
export function fieldName(written: string): string | undefined {
  const lower = known.get(written);
  return lower ?? learn(written);
}

function learn(written: string): string | undefined {
  if (!TOKEN.test(written)) return undefined;
  const lower = written.toLowerCase();
  if (known.size < MAX_KNOWN && written.length <= MAX_LENGTH) {
    // Copies: what is cut out of a message would keep all of it.
    const own = Buffer.from(lower, "latin1").toString("latin1");
    known.set(own === written ? own : Buffer.from(written, "latin1").toString("latin1"), own);
    return own;
  }
  return lower;
}
