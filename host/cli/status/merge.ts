const DECLARATION = /^# (?:TYPE|HELP) (\S+)/;

/**
 * Joins texts in Prometheus's format into one. What a metric is stands once, as its first text says: Prometheus's parsers
 * refuse a second declaration. Samples all stay.
 */
export function mergeMetrics(texts: readonly string[]): string {
  const lines: string[] = [];
  /** Declared metrics, and by which text. */
  const declared = new Map<string, number>();
  for (const [source, text] of texts.entries()) {
    for (const line of text.split(/\r?\n/)) {
      const name = DECLARATION.exec(line)?.[1];
      if (name !== undefined) {
        const first = declared.get(name) ?? source;
        declared.set(name, first);
        if (first !== source) continue;
      }
      // Ends a text of OpenMetrics, of which this is none.
      if (line !== "" && line !== "# EOF") lines.push(line);
    }
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
