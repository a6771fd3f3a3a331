import { decode } from "../memory/decode";
import { encode, encodedSize, encodeText } from "../memory/encode";
import { hexDigit } from "./ascii";

/** Path of a request target without query and fragment. */
export function pathOnly(target: string): string {
  for (let i = 0; i < target.length; i++) {
    const c = target.charCodeAt(i);
    if (c == 63 || c == 35) return target.substring(0, i);
  }
  return target;
}

const AMPERSAND = 38;
const EQUALS = 61;

/** Where a sign stands between `from` and `end`; else `end`. It never looks further: a target of `&` alone takes linear time. */
function signFrom(text: string, from: i32, end: i32, sign: i32): i32 {
  let at = from;
  while (at < end && text.charCodeAt(at) != sign) at++;
  return at;
}

/** Where the fragment starts, or the end. */
function fragmentOf(target: string): i32 {
  const hash = target.indexOf("#");
  return hash < 0 ? target.length : hash;
}

/** First value of a query parameter, undecoded; null when it is missing, "" when it has no value. */
export function queryParameter(target: string, name: string): string | null {
  const question = target.indexOf("?");
  const end = fragmentOf(target);
  if (question < 0) return null;
  for (let at = question + 1; at <= end; ) {
    const last = signFrom(target, at, end, AMPERSAND);
    const stop = signFrom(target, at, last, EQUALS);
    if (stop - at == name.length && target.startsWith(name, at) && stop > at) {
      return stop < last ? target.substring(stop + 1, last) : "";
    }
    at = last + 1;
  }
  return null;
}

/**
 * Undoes %XX. The bytes read as every text does: UTF-8, and a byte that is not stays that byte.
 * @returns null when a `%` is not followed by two hexadecimal digits
 */
export function percentDecode(text: string): string | null {
  return text.indexOf("%") < 0 ? text : unescaped(text, 0, text.length, false);
}

/** Writes each byte but letters, digits and `-._~` as %XX, for one part of a path or query. */
export function percentEncode(text: string): string {
  const bytes = encode(text, 0, 0);
  const size = encodedSize();
  let length: usize = 0;
  for (let i: usize = 0; i < size; i++) length += isUnreserved(load<u8>(bytes + i)) ? 1 : 3;
  if (length == size) return text;
  const out = new ArrayBuffer(<i32>length);
  let to = changetype<usize>(out);
  for (let i: usize = 0; i < size; i++) {
    const byte = <i32>load<u8>(bytes + i);
    if (isUnreserved(byte)) {
      store<u8>(to++, byte);
      continue;
    }
    store<u8>(to, 37);
    store<u8>(to + 1, hexSign(byte >> 4));
    store<u8>(to + 2, hexSign(byte & 15));
    to += 3;
  }
  return decode(changetype<usize>(out), length);
}

/**
 * The parameters of a request target's query (or of a form's body, with a `?` before it), read as browsers do: `+` is a
 * space, %XX its byte, a stray `%` stays.
 * @example const page = new Query(this.request.path || "").get("page");
 */
export class Query {
  private names: string[] = [];
  private values: string[] = [];

  constructor(target: string) {
    const question = target.indexOf("?");
    const end = question < 0 ? 0 : fragmentOf(target);
    for (let at = question + 1; at < end; ) {
      const last = signFrom(target, at, end, AMPERSAND);
      const stop = signFrom(target, at, last, EQUALS);
      if (last > at) {
        this.names.push(formText(target, at, stop));
        this.values.push(formText(target, min(stop + 1, last), last));
      }
      at = last + 1;
    }
  }

  /** Number of parameters. */
  get length(): i32 {
    return this.names.length;
  }

  /** Name of the parameter at `index`; the index must be in range. */
  name(index: i32): string {
    return this.names[index];
  }

  /** Value of the parameter at `index`; the index must be in range. */
  value(index: i32): string {
    return this.values[index];
  }

  /** First value of that name; "" when it has none, null when it is missing. */
  get(name: string): string | null {
    const index = this.names.indexOf(name);
    return index < 0 ? null : this.values[index];
  }

  /** Every value of that name in order. */
  getAll(name: string): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.names.length; i++) if (this.names[i] == name) found.push(this.values[i]);
    return found;
  }
}

function formText(text: string, start: i32, end: i32): string {
  return changetype<string>(unescaped(text, start, end, true));
}

/** Undoes %XX between two places; in a form `+` is a space and nothing is wrong, else a stray `%` gives null. */
function unescaped(text: string, start: i32, end: i32, form: bool): string | null {
  const bytes = encodeText(text.substring(start, end), 0, 0);
  const size = encodedSize();
  let to = bytes;
  for (let i: usize = 0; i < size; i++) {
    let byte = <i32>load<u8>(bytes + i);
    if (byte == 37) {
      const high = i + 2 < size ? hexDigit(load<u8>(bytes + i + 1)) : -1;
      const low = i + 2 < size ? hexDigit(load<u8>(bytes + i + 2)) : -1;
      if (high >= 0 && low >= 0) {
        byte = (high << 4) | low;
        i += 2;
      } else if (!form) {
        return null;
      }
    } else if (byte == 43 && form) {
      byte = 32;
    }
    store<u8>(to++, byte);
  }
  return decode(bytes, to - bytes);
}

function isUnreserved(c: i32): bool {
  return (
    (c >= 97 && c <= 122) ||
    (c >= 65 && c <= 90) ||
    (c >= 48 && c <= 57) ||
    c == 45 ||
    c == 46 ||
    c == 95 ||
    c == 126
  );
}

function hexSign(value: i32): i32 {
  return value < 10 ? 48 + value : 55 + value;
}
