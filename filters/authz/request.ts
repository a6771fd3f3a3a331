import { getPropertyInt, getPropertyString, HttpRequest, Pairs } from "proxy-wasm-toolkit/sdk";
import { addressOf, IpAddress } from "proxy-wasm-toolkit/sdk/text/ip";
import { pathOnly } from "proxy-wasm-toolkit/sdk/text/url";

/** What the rules ask of a request, each read at most once. */
export class RequestFacts {
  private readonly pairs: Pairs;
  private pathText: string | null = null;
  private source: IpAddress | null = null;
  private sourceRead: bool = false;
  private destination: IpAddress | null = null;
  private destinationRead: bool = false;
  private port: i32 = -1;

  constructor(request: HttpRequest) {
    this.pairs = request.headers.pairs();
  }

  /** First value of a pseudo-header; "" when missing. */
  first(name: string): string {
    for (let i = 0; i < this.pairs.length; i++) if (this.pairs.name(i) == name) return this.pairs.value(i);
    return "";
  }

  /** Every value of a header: decisions look at each. */
  values(name: string): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.pairs.length; i++) {
      if (this.pairs.name(i) == name) found.push(this.pairs.value(i));
    }
    return found;
  }

  /** Path without query and fragment. */
  get path(): string {
    const known = this.pathText;
    if (known != null) return known;
    const path = pathOnly(this.first(":path"));
    this.pathText = path;
    return path;
  }

  get sourceIp(): IpAddress | null {
    if (!this.sourceRead) {
      this.sourceRead = true;
      const text = getPropertyString("source.address");
      if (text != null) this.source = addressOf(text);
    }
    return this.source;
  }

  get destinationIp(): IpAddress | null {
    if (!this.destinationRead) {
      this.destinationRead = true;
      const text = getPropertyString("destination.address");
      if (text != null) this.destination = addressOf(text);
    }
    return this.destination;
  }

  get destinationPort(): i32 {
    if (this.port < 0) this.port = <i32>getPropertyInt("destination.port");
    return this.port;
  }
}
