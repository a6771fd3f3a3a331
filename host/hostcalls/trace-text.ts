import { isUtf8 } from "node:buffer";
import { decodePairs } from "../stores/pairs";

/** Bytes of one value that a trace shows, and how many when it is to be full. */
const SHOWN = 120;
const SHOWN_IN_FULL = 4096;

const SECRET =
  "authorization|cookie|token|secret|passw|api[-_]?key|access[-_]?key|private[-_]?key|credential|session|signature";
const SECRET_NAME = new RegExp(SECRET, "i");
/** `name=value` in query strings and forms, `"name": "value"` in JSON. */
const SECRET_FIELD = new RegExp(`([?&;\\s]|^)([\\w.-]*(?:${SECRET})[\\w.-]*=)[^&;\\s"]+`, "gi");
const SECRET_MEMBER = new RegExp(`("[\\w.-]*(?:${SECRET})[\\w.-]*"\\s*:\\s*")(?:[^"\\\\]|\\\\.)+`, "gi");

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
const UNPRINTABLE = /["\\\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Is a value that goes by this name one to keep out of a trace? */
export function isSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Writes values of a trace: quoted, escaped, cut, secrets masked unless everything is asked for. */
export class TraceText {
  constructor(private readonly full: boolean) {}

  /** Bytes as quoted text, UTF-8 where they are. `name` is what the value goes by, if it has a name. */
  bytes(data: Buffer, name?: string): string {
    if (!this.full && name !== undefined && data.length > 0 && isSecret(name))
      return `<${data.length} bytes masked>`;
    const limit = this.full ? SHOWN_IN_FULL : SHOWN;
    const part = data.subarray(0, limit);
    // A cut may split a character: then the rest of it is not there to be valid.
    const text = isUtf8(part)
      ? part.toString()
      : isUtf8(data)
        ? part.toString().replace(/\ufffd$/, "")
        : undefined;
    const shown =
      text === undefined
        ? part.toString("latin1").replace(/[^ -~]|["\\]/g, escaped)
        : this.masked(text).replace(UNPRINTABLE, escaped);
    return data.length > limit ? `"${shown}"... (${data.length} bytes)` : `"${shown}"`;
  }

  latin1(text: string, name?: string): string {
    return this.bytes(Buffer.from(text, "latin1"), name);
  }

  /** A block of pairs as `{"name": "value", ...}`. */
  pairs(data: Buffer): string {
    const pairs = decodePairs(data);
    if (pairs.length === 0 && data.length > 4) return `${this.bytes(data)} (not pairs)`;
    const limit = this.full ? SHOWN_IN_FULL : 8 * SHOWN;
    const shown: string[] = [];
    let size = 0;
    for (const [key, value] of pairs) {
      const text = `${this.latin1(key)}: ${this.latin1(value, key)}`;
      size += text.length;
      if (size > limit) {
        shown.push(`... (${pairs.length} pairs)`);
        break;
      }
      shown.push(text);
    }
    return `{${shown.join(", ")}}`;
  }

  private masked(text: string): string {
    if (this.full) return text;
    return text.replace(SECRET_FIELD, "$1$2<masked>").replace(SECRET_MEMBER, "$1<masked>");
  }
}

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  return (
    SHORT[char] ??
    (code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`)
  );
}
