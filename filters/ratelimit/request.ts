import { connection, HttpRequest, Pairs } from "proxy-wasm-toolkit/sdk";
import { addressOf } from "proxy-wasm-toolkit/sdk/text/ip";

/** What actions ask of a request; the header list is read once. */
export class RequestFacts {
  private all: Pairs | null = null;

  constructor(private readonly request: HttpRequest) {}

  /** All headers, read once. */
  get pairs(): Pairs {
    let pairs = this.all;
    if (pairs == null) this.all = pairs = this.request.headers.pairs();
    return pairs;
  }

  /** The client's IP address, or null when it has none. */
  get address(): string | null {
    const address = connection.sourceAddress;
    if (address == null || addressOf(address) == null) return null;
    const text = address.substring(0, address.lastIndexOf(":"));
    return text.startsWith("[") ? text.substring(1, text.length - 1) : text;
  }
}
