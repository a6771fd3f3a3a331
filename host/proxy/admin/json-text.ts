/** JSON as Envoy's admin pages print it: one space a level, a newline at the end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}

export const JSON_TYPE = "application/json";
