import { BlockList, isIPv6 } from "node:net";
import type { Cidr, FilterChainMatch } from "../config/model";
import type { ClientHello } from "./tls/client-hello";

/** What is known of a connection before a filter chain is chosen. */
export interface ConnectionTraits {
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  /** Undefined: no TLS, or nobody has looked. */
  hello: ClientHello | undefined;
}

/** The keys of one level: what a match names there, none = anything; and what fits a connection, best first. */
interface Level {
  of(match: FilterChainMatch): readonly string[];
  fitting(traits: ConnectionTraits, present: ReadonlySet<string>): readonly string[];
}

const ANY = "";

/** Envoy's levels in Envoy's order. */
const LEVELS: readonly Level[] = [
  {
    of: ({ destinationPort }) => (destinationPort === undefined ? [] : [String(destinationPort)]),
    fitting: ({ localPort }) => [String(localPort)],
  },
  ranges(
    ({ destinations }) => destinations,
    ({ localAddress }) => localAddress,
  ),
  { of: ({ serverNames }) => serverNames, fitting: ({ hello }) => namesFor(hello?.serverName ?? "") },
  {
    of: ({ transportProtocol: name }) => (name === "" ? [] : [name]),
    fitting: ({ hello }) => [hello ? "tls" : "raw_buffer"],
  },
  { of: ({ applicationProtocols }) => applicationProtocols, fitting: ({ hello }) => hello?.protocols ?? [] },
  ranges(
    ({ directSources }) => directSources,
    ({ remoteAddress }) => remoteAddress,
  ),
  {
    of: ({ sourceType }) => (sourceType === "ANY" ? [] : [sourceType]),
    fitting: (traits) => [isLocal(traits) ? "SAME_IP_OR_LOOPBACK" : "EXTERNAL"],
  },
  ranges(
    ({ sources }) => sources,
    ({ remoteAddress }) => remoteAddress,
  ),
  {
    of: ({ sourcePorts }) => sourcePorts.map(String),
    fitting: ({ remotePort }) => [String(remotePort)],
  },
];

interface Candidate<T> {
  match: FilterChainMatch;
  chain: T;
}

/** Finds the one filter chain of a connection. */
export class FilterChainTable<T> {
  /** `last` takes what no other chain does. */
  constructor(
    private readonly candidates: readonly Candidate<T>[],
    private readonly last: T | undefined,
  ) {}

  /**
   * Level by level the best key that is there decides, and chains without it are out for good, even if those that are left
   * fit no more further down.
   */
  find(traits: ConnectionTraits): T | undefined {
    let left = this.candidates;
    for (const { of, fitting } of LEVELS) {
      const keysOf = ({ match }: Candidate<T>) => {
        const keys = of(match);
        return keys.length > 0 ? keys : [ANY];
      };
      const present = new Set(left.flatMap(keysOf));
      const key = [...fitting(traits, present), ANY].find((one) => present.has(one));
      left = left.filter((candidate) => key !== undefined && keysOf(candidate).includes(key));
      if (left.length === 0) return this.last;
    }
    return left[0]?.chain;
  }
}

/** `a.b.example` fits `a.b.example`, `*.b.example`, `*.example`. */
function namesFor(name: string): string[] {
  if (name === "") return [];
  const labels = name.split(".");
  return [name, ...labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join(".")}`)];
}

const isLoopback = (address: string): boolean => /^(127\.|::1$|::ffff:127\.)/.test(address);

function isLocal({ localAddress, remoteAddress }: ConnectionTraits): boolean {
  return localAddress === remoteAddress || isLoopback(remoteAddress);
}

/** A level of address ranges: the narrowest one around an address is the best. */
function ranges(
  of: (match: FilterChainMatch) => readonly Cidr[],
  addressOf: (traits: ConnectionTraits) => string,
): Level {
  const known = new Map<string, BlockList>();
  const key = (range: Cidr): string => {
    const text = `${range.address}/${range.prefixLength}`;
    if (!known.has(text)) known.set(text, blockList(range));
    return text;
  };
  return {
    of: (match) => of(match).map(key),
    fitting: (traits, present) => {
      const address = addressOf(traits);
      const family = isIPv6(address) ? "ipv6" : "ipv4";
      return [...present]
        .filter((text) => text !== ANY && known.get(text)?.check(address, family))
        .sort((a, b) => prefixLength(b) - prefixLength(a));
    },
  };
}

const prefixLength = (range: string): number => Number(range.slice(range.lastIndexOf("/") + 1));

function blockList({ address, prefixLength }: Cidr): BlockList {
  const list = new BlockList();
  list.addSubnet(address, prefixLength, isIPv6(address) ? "ipv6" : "ipv4");
  return list;
}
