import { getPropertyInt, getPropertyString, HeaderName, HttpRequest, Pairs } from "proxy-wasm-toolkit/sdk";
import { addressOf, IpAddress } from "proxy-wasm-toolkit/sdk/text/ip";
import { pathOnly } from "proxy-wasm-toolkit/sdk/text/url";

const PATH = new HeaderName(":path");
const METHOD = new HeaderName(":method");
const AUTHORITY = new HeaderName(":authority");

/** A header that proxies keep single, read when first asked for. */
class SingleHeader {
  private known: bool = false;
  private text: string | null = null;

  constructor(private readonly name: HeaderName) {}

  read(request: HttpRequest): string | null {
    if (!this.known) {
      this.known = true;
      this.text = request.headers.get<HeaderName>(this.name);
    }
    return this.text;
  }
}

/** What rules ask of a request; each fact is read when first asked for, and once. */
export class RequestFacts {
  private all: Pairs | null = null;
  private readonly target: SingleHeader = new SingleHeader(PATH);
  private readonly verb: SingleHeader = new SingleHeader(METHOD);
  private readonly host: SingleHeader = new SingleHeader(AUTHORITY);
  private pathText: string | null = null;
  private source: IpAddress | null = null;
  private sourceKnown: bool = false;
  private destination: IpAddress | null = null;
  private destinationKnown: bool = false;
  private port: i32 = -1;

  constructor(private readonly request: HttpRequest) {}

  /** Path without query and fragment, or null. */
  get path(): string | null {
    if (this.pathText == null) {
      const target = this.target.read(this.request);
      if (target != null) this.pathText = pathOnly(target);
    }
    return this.pathText;
  }

  get method(): string | null {
    return this.verb.read(this.request);
  }

  /** `:authority` with its port, or null. */
  get authority(): string | null {
    return this.host.read(this.request);
  }

  /** All headers, read once. */
  get pairs(): Pairs {
    let pairs = this.all;
    if (pairs == null) this.all = pairs = this.request.headers.pairs();
    return pairs;
  }

  /** The peer; null when it has no IP address. */
  get sourceIp(): IpAddress | null {
    if (!this.sourceKnown) {
      this.sourceKnown = true;
      this.source = addressIn("source.address");
    }
    return this.source;
  }

  get destinationIp(): IpAddress | null {
    if (!this.destinationKnown) {
      this.destinationKnown = true;
      this.destination = addressIn("destination.address");
    }
    return this.destination;
  }

  get destinationPort(): i32 {
    if (this.port < 0) this.port = <i32>getPropertyInt("destination.port");
    return this.port;
  }
}

function addressIn(property: string): IpAddress | null {
  const text = getPropertyString(property);
  return text == null ? null : addressOf(text);
}
