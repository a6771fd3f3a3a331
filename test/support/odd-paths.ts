/** Parts of paths that proxies have read differently. */
const PARTS = [
  ...["/", "/", "/", "//", "///", "\\", "/.", "/..", "/./", "/../", ".", "..", "...", "/..;", "/.;", ";"],
  ...["%2e", "%2E", "%2e%2e", ".%2e", "%2F", "%2f", "%5c", "%5C", "%252e", "%252f", "%25"],
  ...[
    "%",
    "%%",
    "%4",
    "%g1",
    "%61",
    "%7E",
    "%7e",
    "%2D",
    "%30",
    "%41",
    "%20",
    "%0a",
    "%7f",
    "%E9",
    "%ff",
    "%3F",
    "%23",
  ],
  ...["a", "B", "9", "~", "-", "_", "admin", "a.b", "a.", ".a", ";x=1", "*", "+", "@", ":", ",", "="],
  ...["|", '"', "^", "`", "{", "}", "<", ">", "[", "]", "(", "$", "&", "'", "!"],
];

/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Random paths of such parts, without a query or anything that cannot be a path. */
export function oddPaths(count: number, seed: number): string[] {
  const random = seeded(seed);
  const one = () =>
    Array.from(
      { length: 1 + Math.floor(random() * 9) },
      () => PARTS[Math.floor(random() * PARTS.length)]!,
    ).join("");
  return Array.from({ length: count }, () => `/${one()}`);
}
