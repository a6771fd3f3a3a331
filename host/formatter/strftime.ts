import { local, type Parts, utc } from "./date-parts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

interface Conversion {
  /** Digits to fill up to, and with what. */
  readonly width: number;
  readonly pad: "0" | " " | "";
  read(parts: Parts): number | string;
}

const number = (width: number, read: (p: Parts) => number, pad: "0" | " " = "0"): Conversion => ({
  width,
  pad,
  read,
});
const word = (read: (p: Parts) => string): Conversion => ({ width: 0, pad: " ", read });

const hour12 = ({ hour }: Parts) => hour % 12 || 12;
const dayOfYear = ({ year, month, day }: Parts) =>
  Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1;
/** Weeks that begin on a given day, counted from the first such day of the year. */
const week = (first: number) => (p: Parts) =>
  Math.floor((dayOfYear(p) + 6 - ((p.weekday - first + 7) % 7)) / 7);

/** ISO 8601: the week belongs to the year of its Thursday. */
function isoWeek({ year, month, day, weekday }: Parts): { year: number; week: number } {
  const thursday = new Date(Date.UTC(year, month, day + 4 - (weekday || 7)));
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return {
    year: thursday.getUTCFullYear(),
    week: Math.floor((thursday.getTime() - first) / 604_800_000) + 1,
  };
}

function zoneOffset({ offset }: Parts, separator: string): string {
  const ahead = Math.abs(offset);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(ahead / 60))}${separator}${two(ahead % 60)}`;
}

/** The conversions of `strftime` in the C locale. */
const CONVERSIONS: Readonly<Record<string, Conversion | string>> = {
  Y: { width: 0, pad: "", read: (p) => p.year },
  C: number(2, (p) => Math.floor(p.year / 100)),
  y: number(2, (p) => p.year % 100),
  G: { width: 0, pad: "", read: (p) => isoWeek(p).year },
  g: number(2, (p) => isoWeek(p).year % 100),
  m: number(2, (p) => p.month + 1),
  d: number(2, (p) => p.day),
  e: number(2, (p) => p.day, " "),
  j: number(3, dayOfYear),
  U: number(2, week(0)),
  W: number(2, week(1)),
  V: number(2, (p) => isoWeek(p).week),
  u: number(1, (p) => p.weekday || 7),
  w: number(1, (p) => p.weekday),
  H: number(2, (p) => p.hour),
  I: number(2, hour12),
  k: number(2, (p) => p.hour, " "),
  l: number(2, hour12, " "),
  M: number(2, (p) => p.minute),
  S: number(2, (p) => p.second),
  s: word((p) => String(p.epoch)),
  a: word((p) => DAYS[p.weekday]!.slice(0, 3)),
  A: word((p) => DAYS[p.weekday]!),
  b: word((p) => MONTHS[p.month]!.slice(0, 3)),
  h: word((p) => MONTHS[p.month]!.slice(0, 3)),
  B: word((p) => MONTHS[p.month]!),
  p: word((p) => (p.hour < 12 ? "AM" : "PM")),
  P: word((p) => (p.hour < 12 ? "am" : "pm")),
  z: word((p) => zoneOffset(p, "")),
  Z: word((p) => p.zone),
  t: word(() => "\t"),
  "%": word(() => "%"),
  // made of others
  D: "%m/%d/%y",
  x: "%m/%d/%y",
  F: "%Y-%m-%d",
  R: "%H:%M",
  T: "%H:%M:%S",
  X: "%H:%M:%S",
  r: "%I:%M:%S %p",
  c: "%a %b %e %H:%M:%S %Y",
};

/** A fraction of a second: so many digits, or as many as there are. */
function fraction(nano: number, digits: string): string {
  const all = String(nano).padStart(9, "0");
  if (digits === "*") return all.replace(/0+$/, "");
  return all.padEnd(15, "0").slice(0, Number(digits));
}

type Write = (parts: Parts) => string;

/** `%3f`; `%E3S`, `%E*f`, `%E4Y`, `%Ez`; `%` with flags, width and conversion; anything else. */
const ITEM =
  /%([1-9]?)f|%E([*\d]{1,2})([Sf])|%E(4Y|\*?z)|%(:{1,2})z|%([-_0^#]*)(\d{0,3})[EO]?([A-Za-z%])|[^%]+|%/g;

function item([
  whole,
  digits,
  precise,
  kind,
  special,
  colons,
  flags = "",
  width = "",
  letter,
]: RegExpMatchArray): Write {
  if (digits !== undefined) return ({ nano }) => fraction(nano, digits || "9");
  if (precise !== undefined) {
    return ({ nano, second }) => {
      const part = fraction(nano, precise);
      if (kind === "f") return part || "0";
      return String(second).padStart(2, "0") + (part && `.${part}`);
    };
  }
  if (special === "4Y") return ({ year }) => String(year).padStart(4, "0");
  if (special !== undefined || colons !== undefined) return (parts) => zoneOffset(parts, ":");
  const conversion = letter === undefined ? undefined : CONVERSIONS[letter];
  if (conversion === undefined) return () => whole;
  if (typeof conversion === "string") {
    const inner = compile(conversion);
    return (parts) => dressed(inner(parts), flags, Number(width), " ");
  }
  const pad = flags.includes("-")
    ? ""
    : flags.includes("_")
      ? " "
      : flags.includes("0")
        ? "0"
        : conversion.pad;
  const least = Number(width) || (flags.includes("-") ? 0 : conversion.width);
  return (parts) => dressed(String(conversion.read(parts)), flags, least, pad);
}

function dressed(text: string, flags: string, width: number, pad: string): string {
  const shown = flags.includes("^") ? text.toUpperCase() : text;
  return pad === "" ? shown : shown.padStart(width, pad);
}

function compile(format: string): Write {
  const items = [...format.matchAll(ITEM)].map(item);
  return (parts) => items.reduce((text, write) => text + write(parts), "");
}

/**
 * A writer of points in time (nanoseconds since 1970) in a format of `strftime`, with what Envoy knows besides: `%f`,
 * `%3f`, `%E3S`.
 */
export function strftime(format: string, inLocalTime: boolean): (nanoseconds: bigint) => string {
  const write = compile(format);
  const read = inLocalTime ? local : utc;
  return (at) => write(read(at / 1_000_000_000n, Number(at % 1_000_000_000n)));
}
