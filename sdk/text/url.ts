import { hexDigit } from "./ascii";

/** Path of a request target without query and fragment. */
export function pathOnly(target: string): string {
  for (let i = 0; i < target.length; i++) {
    const c = target.charCodeAt(i);
    if (c == 63 || c == 35) return target.substring(0, i);
  }
  return target;
}

/** First value of a query parameter, undecoded; null when it is missing, "" when it has no value. */
export function queryParameter(target: string, name: string): string | null {
  const question = target.indexOf("?");
  if (question < 0) return null;
  const hash = target.indexOf("#", question);
  const end = hash < 0 ? target.length : hash;
  for (let at = question + 1; at <= end; ) {
    const ampersand = target.indexOf("&", at);
    const last = ampersand < 0 || ampersand > end ? end : ampersand;
    const equals = target.indexOf("=", at);
    const stop = equals < 0 || equals > last ? last : equals;
    if (stop - at == name.length && target.startsWith(name, at) && stop > at) {
      return stop < last ? target.substring(stop + 1, last) : "";
    }
    at = last + 1;
  }
  return null;
}

/**
 * Undoes %XX. The bytes are one character each (Latin-1), so that any byte comes through.
 * @returns null when a `%` is not followed by two hexadecimal digits
 */
export function percentDecode(text: string): string | null {
  if (text.indexOf("%") < 0) return text;
  const out = new Uint16Array(text.length);
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i);
    if (c == 37) {
      if (i + 2 >= text.length) return null;
      const high = hexDigit(text.charCodeAt(i + 1));
      const low = hexDigit(text.charCodeAt(i + 2));
      if (high < 0 || low < 0) return null;
      c = (high << 4) | low;
      i += 2;
    }
    out[size++] = <u16>c;
  }
  return String.UTF16.decodeUnsafe(out.dataStart, (<usize>size) << 1);
}
