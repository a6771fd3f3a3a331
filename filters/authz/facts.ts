import { getPropertyString, HeaderMap, HeaderName, headerMap, MapType, Pairs } from "proxy-wasm-toolkit/sdk";
import { addressOf, IpAddress } from "proxy-wasm-toolkit/sdk/text/ip";
import { Claims } from "./claims";
import { Source } from "./source";

/** Values of a missing attribute. */
export const NONE: StaticArray<string> = new StaticArray<string>(0);

/** The one value of an attribute, or none. */
export function oneOrNone(text: string | null): StaticArray<string> {
  if (text == null) return NONE;
  const values = new StaticArray<string>(1);
  values[0] = text;
  return values;
}

/** Looking for that many absent headers one by one is cheaper than reading them all. */
const PROBES = 4;

/** What rules ask of one request or connection: each fact is read when first asked for, and once. */
export class Facts {
  private readonly known: StaticArray<StaticArray<string> | null>;
  private all: Pairs | null = null;
  private probes: i32 = 0;
  private source: IpAddress | null = null;
  private sourceKnown: bool = false;
  private destination: IpAddress | null = null;
  private destinationKnown: bool = false;

  /** `sources` is how many the configuration has; `claims` come from whoever verified the token. */
  constructor(
    sources: i32,
    readonly claims: Claims,
  ) {
    this.known = new StaticArray<StaticArray<string> | null>(sources);
  }

  of(source: Source): StaticArray<string> {
    const known = unchecked(this.known[source.slot]);
    if (known != null) return known;
    const values = source.read(this);
    unchecked((this.known[source.slot] = values));
    return values;
  }

  private get headers(): HeaderMap {
    return headerMap(MapType.HttpRequestHeaders);
  }

  /** A header that proxies keep single. */
  single(name: HeaderName): StaticArray<string> {
    return oneOrNone(this.headers.get<HeaderName>(name));
  }

  /** Every value of a header. Looking at the first alone would let a second line past a DENY. */
  header(name: HeaderName): StaticArray<string> {
    let pairs = this.all;
    if (pairs == null) {
      if (++this.probes <= PROBES && !this.headers.has<HeaderName>(name)) return NONE;
      this.all = pairs = this.headers.pairs();
    }
    return StaticArray.fromArray(pairs.values(name));
  }

  /** The client; null when it has no IP address. */
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
}

function addressIn(property: string): IpAddress | null {
  const text = getPropertyString(property);
  return text == null ? null : addressOf(text);
}
