/** What an operator found: text is bytes, one character each (Latin-1); undefined = nothing. */
export type FormatValue = string | number | Tree | undefined;

/** Plain JSON out of the configuration, whose text is UTF-8. */
export class Tree {
  constructor(readonly json: unknown) {}
}

/** Text of the configuration as bytes, one character each. */
export function bytesOf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** A value inside a line of text; undefined when there is none. */
export function textOf(value: FormatValue): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  const { json } = value;
  if (json === null) return undefined;
  return bytesOf(typeof json === "string" ? json : JSON.stringify(sorted(json)));
}

/** Envoy prints the fields of a map in the order of their names, as bytes. */
export function sorted(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(sorted);
  if (typeof json !== "object" || json === null) return json;
  const entries = Object.entries(json).map(([key, value]) => [key, sorted(value)] as const);
  return new Map(entries.sort(([a], [b]) => compareBytes(a, b)))
    .entries()
    .reduce(addEntry, Object.create(null));
}

function addEntry(into: Record<string, unknown>, [key, value]: readonly [string, unknown]) {
  into[key] = value;
  return into;
}

/** As C++ orders strings. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
