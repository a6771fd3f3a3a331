/** Stands in for the `env.abort` that Envoy does not provide. */
export function onAbort(
  _message: string | null = null,
  _file: string | null = null,
  _line: u32 = 0,
  _column: u32 = 0,
): void {
  unreachable();
}
