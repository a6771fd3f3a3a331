/** Do all parts stand in the data, one after the other? There may be anything between them. */
export function containsInOrder(data: Buffer, parts: readonly Buffer[]): boolean {
  let at = 0;
  for (const part of parts) {
    const found = data.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return true;
}
