import * as z from "zod";

/** What a scalar field is called in messages and in docs/configuration.md. */
export interface ScalarMeta {
  type: string;
}

/** Names a value for "expected ..., got ...". */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
}

/** A scalar that protobuf's JSON form writes in several ways; `read` gives undefined for what it is not. */
function scalar<T>(type: string, expected: string, read: (value: unknown) => T | undefined) {
  return z
    .unknown()
    .transform((input, context): T => {
      const value = read(input);
      if (value !== undefined) return value;
      const message = input === undefined ? "is required" : `expected ${expected}, got ${describe(input)}`;
      context.issues.push({ code: "custom", message, input });
      return z.NEVER;
    })
    .meta({ type });
}

export const text = z.string().meta({ type: "string" });
export const requiredText = z.string().min(1, "must not be empty").meta({ type: "string" });

/** Text that goes into a header: no NUL, CR or LF. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are refused
const HEADER_TEXT = /^[^\x00\r\n]*$/;
export const headerValue = z
  .string()
  .regex(HEADER_TEXT, "must not contain NUL, CR or LF")
  .max(16_384, "must not be longer than 16384 bytes")
  .meta({ type: "string" });
export const headerName = requiredText
  .regex(HEADER_TEXT, "must not contain NUL, CR or LF")
  .max(16_384, "must not be longer than 16384 bytes")
  .meta({ type: "string" });

export const bool = scalar("bool", "true or false", (value) => {
  if (value === "true") return true;
  if (value === "false") return false;
  return typeof value === "boolean" ? value : undefined;
});

const DECIMAL = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?$/;

function integer(type: string, min: number, max: number) {
  return scalar(type, `a whole number from ${min} to ${max}`, (value) => {
    const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number)) return undefined;
    return number >= min && number <= max ? number : undefined;
  });
}

/** A share in percent, with fractions. */
export const percent = scalar("double, 0 to 100", "a number from 0 to 100", (value) => {
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  return typeof number === "number" && number >= 0 && number <= 100 ? number : undefined;
});

/** Any number but infinity. */
export const double = scalar("double", "a number", (value) => {
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
});

export const u32 = integer("uint32", 0, 4_294_967_295);
export const port = integer("port", 0, 65_535);
/** Envoy's int64; what a JavaScript number cannot hold exactly is refused. */
export const i64 = integer("int64", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
export const responseStatus = integer("uint32", 200, 599);

const DURATION = /^(-?)(\d{1,12})(\.\d{1,9})?s$/;
/** Envoy counts in int64 nanoseconds. */
const MAX_SECONDS = 9_223_372_035;

/** `0.3s`; kept as text, {@link durationMs} reads it. */
export const duration = scalar("duration", 'a duration in seconds such as "0.3s"', (value) => {
  const match = typeof value === "string" ? DURATION.exec(value) : null;
  return match && match[1] === "" && Number(match[2]) <= MAX_SECONDS ? (value as string) : undefined;
});

/** Milliseconds of a checked duration. */
export function durationMs(value: string): number {
  return Math.round(Number(value.slice(0, -1)) * 1e6) / 1e3;
}

/** A duration inside `[min, max)`, milliseconds. */
export function durationWithin(minMs: number, maxMs: number, message: string) {
  return duration
    .refine((value) => durationMs(value) >= minMs && durationMs(value) < maxMs, message)
    .meta({ type: "duration" });
}

/** Strict standard or URL-safe base64, padded or not, as protobuf's JSON form reads `bytes`. */
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
export const bytes = scalar("bytes (base64)", "base64 text", (value) => {
  if (typeof value !== "string" || !BASE64.test(value)) return undefined;
  return value.replace(/=+$/, "").length % 4 === 1 ? undefined : value;
});

/** A `google.protobuf.Struct`: any map. */
export const struct = z.record(z.string(), z.unknown()).meta({ type: "struct" });

/**
 * An enum by name (any case) or number, as Envoy reads it. `names` holds Envoy's names at their numbers;
 * `supported` the ones this engine runs (default: all).
 */
export function enumeration<const N extends string, const S extends N = N>(
  names: Readonly<Record<number, N>>,
  supported?: readonly S[],
) {
  const known = Object.entries(names) as [string, N][];
  const allowed = supported ?? (known.map(([, name]) => name) as unknown as readonly S[]);
  return z
    .unknown()
    .transform((input, context): S => {
      const asked = typeof input === "string" ? input.toUpperCase() : String(input);
      const scalarInput = typeof input === "string" || typeof input === "number";
      const found = known.find(
        ([number, name]) => scalarInput && (name.toUpperCase() === asked || number === asked),
      )?.[1];
      if (found && (allowed as readonly string[]).includes(found)) return found as S;
      const list = allowed.join(", ");
      const message = found
        ? `${found} is not supported by the node engine; supported: ${list}`
        : input === undefined
          ? "is required"
          : `expected one of ${list}, got ${describe(input)}`;
      context.issues.push({ code: "custom", message, input });
      return z.NEVER;
    })
    .meta({ type: `enum: ${allowed.map((name) => `\`${name}\``).join(", ")}` });
}
