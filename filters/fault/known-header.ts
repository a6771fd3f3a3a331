import { HeaderMap, HeaderName } from "proxy-wasm-toolkit/sdk";

/** Counts requests, so that what is known of one is not taken for another's. */
let current: u32 = 0;

/** Forgets what is known of the request before. */
export function beginRequest(): void {
  current++;
}

/**
 * A header that some rule asks for, whatever the number of rules: its first value is read when first asked for, and
 * once a request. A header that is not there costs a quarter of one that is, as the proxy need not hand it over.
 */
export class KnownHeader {
  readonly name: HeaderName;
  private readFor: u32 = 0;
  private text: string | null = null;

  private constructor(name: string) {
    this.name = new HeaderName(name);
  }

  /** The one of that name, in lower case. */
  static of(name: string): KnownHeader {
    if (KNOWN.has(name)) return KNOWN.get(name);
    const header = new KnownHeader(name);
    KNOWN.set(name, header);
    return header;
  }

  /** First value, or null. */
  first(headers: HeaderMap): string | null {
    if (this.readFor != current) {
      this.readFor = current;
      this.text = headers.get<HeaderName>(this.name);
    }
    return this.text;
  }
}

const KNOWN = new Map<string, KnownHeader>();
