import { isUtf8 } from "node:buffer";
import type { BodyText, Pair } from "./model";

/** Bytes as a page can show them. `whole` is the size where `data` is only its beginning. */
export function bodyText(data: Buffer, whole = data.length): BodyText {
  const binary = !isUtf8(data) && !isUtf8(withoutTail(data));
  return {
    bytes: whole,
    text: binary ? data.toString("latin1").replace(/[^\n\r\t -~]/g, escaped) : data.toString(),
    ...(binary && { binary }),
    ...(whole > data.length && { cut: true }),
  };
}

/** A cut may split a character of up to four bytes. */
function withoutTail(data: Buffer): Buffer {
  for (let back = 1; back <= 3 && back < data.length; back++) {
    const byte = data[data.length - back]!;
    if (byte >= 0xc0) return data.subarray(0, data.length - back);
    if (byte < 0x80) break;
  }
  return data;
}

function escaped(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** Header lines, Latin-1 on the host, as text: UTF-8 where they are. */
export function pairsText(pairs: readonly Pair[], hide: (name: string) => boolean): Pair[] {
  return pairs.map(([name, value]) => [name, hide(name) ? `<${value.length} bytes masked>` : text(value)]);
}

function text(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  return isUtf8(bytes) ? bytes.toString() : latin1.replace(/[^ -~]/g, escaped);
}
