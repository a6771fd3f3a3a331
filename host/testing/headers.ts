import type { HeaderMap } from "../stores/header-map";

/** A header value: text is sent as UTF-8, a Buffer as the bytes it holds. */
export type HeaderValue = string | Buffer;

/** Headers as a test writes them: a record (an array = several lines), or name-value pairs in order. */
export type HeadersInit =
  | Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>
  | readonly (readonly [name: string, value: HeaderValue])[];

/** Name-value pairs, names in lower case, values as Latin-1 text: one character a byte. */
export function headerPairs(init: HeadersInit = {}): [string, string][] {
  const pairs = isPairs(init)
    ? init
    : Object.entries(init).flatMap(([name, value]) =>
        (Array.isArray(value) ? (value as readonly HeaderValue[]) : [value as HeaderValue]).map(
          (each) => [name, each] as const,
        ),
      );
  return pairs.map(([name, value]) => [name.toLowerCase(), bytesOf(value).toString("latin1")]);
}

function isPairs(init: HeadersInit): init is readonly (readonly [string, HeaderValue])[] {
  return Array.isArray(init);
}

/** Text as UTF-8 bytes. */
export function bytesOf(value: string | Uint8Array): Buffer {
  return typeof value === "string" ? Buffer.from(value) : Buffer.from(value);
}

/** Headers as a test reads them: a copy of what a map held at one moment. */
export class HeaderView {
  readonly #map: HeaderMap;

  constructor(map: HeaderMap) {
    this.#map = map.clone();
  }

  /** First value of a name, read as UTF-8; undefined when there is none. */
  get(name: string): string | undefined {
    const value = this.#map.get(name.toLowerCase());
    return value === undefined ? undefined : text(value);
  }

  /** Every value of a name, in order. */
  getAll(name: string): string[] {
    return this.#map.getAll(name.toLowerCase()).map(text);
  }

  has(name: string): boolean {
    return this.#map.has(name.toLowerCase());
  }

  /** The bytes of the first value. */
  bytes(name: string): Buffer | undefined {
    const value = this.#map.get(name.toLowerCase());
    return value === undefined ? undefined : Buffer.from(value, "latin1");
  }

  /** All lines in order, values read as UTF-8. */
  get pairs(): [name: string, value: string][] {
    return [...this.#map].map(([name, value]) => [name, text(value)]);
  }

  toJSON(): [name: string, value: string][] {
    return this.pairs;
  }
}

function text(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString();
}
