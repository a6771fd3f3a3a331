import { isUtf8 } from "node:buffer";

// biome-ignore lint/suspicious/noControlCharactersInRegex: what JSON escapes, and what is not ASCII
const SPECIAL = /["\\\x00-\x1f\x7f-\xff]/;

/** Bytes (one character each) as a JSON string, again as bytes: UTF-8 stays. What is none is told byte by byte, as if it were Latin-1. */
export function jsonText(bytes: string): string {
  if (!SPECIAL.test(bytes)) return `"${bytes}"`;
  const raw = Buffer.from(bytes, "latin1");
  if (isUtf8(raw)) return Buffer.from(JSON.stringify(raw.toString("utf8")), "utf8").toString("latin1");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  return `"${bytes.replace(/["\\\x00-\x1f\x7f-\xff]/g, escaped)}"`;
}

const escaped = (byte: string) => `\\u${byte.charCodeAt(0).toString(16).padStart(4, "0")}`;
