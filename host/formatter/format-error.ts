/** A format that cannot be read. */
export class FormatError extends Error {
  /** Offset of the operator that is wrong, in bytes; undefined when the text is not at hand. */
  position: number | undefined;
  /** Of a map of formats: where the wrong one stands. */
  path: readonly (string | number)[] = [];
}
