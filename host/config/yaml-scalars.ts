/**
 * What Envoy makes of an unquoted YAML scalar before it looks at any schema: yaml-cpp's booleans, C integers in
 * any base, and text for the rest. Fractions stay text, integers beyond 32 bits turn into text; a typed field reads
 * both back, a `google.protobuf.Struct` keeps them as strings.
 */
export function resolvePlainScalar(source: string): string | number | boolean | null {
  if (source === "" || source === "~") return null;
  if (isCased(source, "null")) return null;
  if (TRUE_WORDS.some((word) => isCased(source, word))) return true;
  if (FALSE_WORDS.some((word) => isCased(source, word))) return false;
  return resolveInteger(source) ?? source;
}

const TRUE_WORDS = ["true", "yes", "on", "y"];
const FALSE_WORDS = ["false", "no", "off", "n"];

/** yaml-cpp takes `yes`, `Yes` and `YES`, but not `yEs`. */
function isCased(source: string, word: string): boolean {
  return (
    source === word ||
    source === word.toUpperCase() ||
    source === word.charAt(0).toUpperCase() + word.slice(1)
  );
}

const INTEGER = /^([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
const INT64_MAX = 2n ** 63n - 1n;
const INT32_MAX = 2n ** 31n - 1n;

function resolveInteger(source: string): number | string | undefined {
  const match = source.length <= 32 ? INTEGER.exec(source) : null;
  if (!match) return undefined;
  const digits = match[2]!;
  const octal = digits.length > 1 && /^0[0-7]+$/.test(digits);
  const magnitude = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  const value = match[1] === "-" ? -magnitude : magnitude;
  if (value > INT64_MAX || value < -INT64_MAX - 1n) return undefined;
  return value > INT32_MAX || value < -INT32_MAX - 1n ? value.toString() : Number(value);
}
