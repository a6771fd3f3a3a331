import { describe, expect, test } from "vitest";
import type { FilterChainMatch } from "../../../host/config/model";
import { type ConnectionTraits, FilterChainTable } from "../../../host/proxy/filter-chain-match";

const ANY: FilterChainMatch = {
  destinationPort: undefined,
  destinations: [],
  serverNames: [],
  transportProtocol: "",
  applicationProtocols: [],
  directSources: [],
  sourceType: "ANY",
  sources: [],
  sourcePorts: [],
};
const FROM: ConnectionTraits = {
  localAddress: "10.0.0.1",
  localPort: 443,
  remoteAddress: "192.168.1.9",
  remotePort: 5000,
  hello: undefined,
};

const cidr = (text: string) => {
  const [address = "", length] = text.split("/");
  return { address, prefixLength: Number(length) };
};

function find(
  chains: Record<string, Partial<FilterChainMatch>>,
  traits: Partial<ConnectionTraits>,
  last?: string,
): string | undefined {
  const candidates = Object.entries(chains).map(([chain, match]) => ({ match: { ...ANY, ...match }, chain }));
  return new FilterChainTable(candidates, last).find({ ...FROM, ...traits });
}

const hello = (serverName: string, protocols: string[] = []) => ({ hello: { serverName, protocols } });

describe("a filter chain is found", () => {
  const NAMES = {
    exact: { serverNames: ["a.b.example"] },
    near: { serverNames: ["*.b.example"] },
    far: { serverNames: ["*.example"] },
    any: {},
  };
  test.each([
    ["a.b.example", "exact"],
    ["x.b.example", "near"],
    ["x.y.b.example", "near"],
    ["b.example", "far"],
    ["example", "any"],
    ["", "any"],
  ])("by name: %s", (name, chain) => {
    expect(find(NAMES, hello(name))).toBe(chain);
  });

  test("by transport protocol, and by the first protocol of the client that is there", () => {
    const chains = {
      plain: { transportProtocol: "raw_buffer" as const },
      mesh: { applicationProtocols: ["istio", "istio-h2"] },
      tls: { transportProtocol: "tls" as const },
    };
    expect(find(chains, {})).toBe("plain");
    expect(find(chains, hello("", ["h2"]))).toBe("tls");
    // The transport protocol is asked first: the chain that does not name one is out.
    expect(find(chains, hello("", ["istio"]))).toBe("tls");
    const both = { ...chains, mesh: { ...chains.mesh, transportProtocol: "tls" as const } };
    expect(find(both, hello("", ["h2", "istio-h2"]))).toBe("mesh");
    expect(
      find(
        { one: { applicationProtocols: ["b"] }, two: { applicationProtocols: ["a"] } },
        hello("", ["a", "b"]),
      ),
    ).toBe("two");
  });

  test("by addresses: the narrowest range", () => {
    const chains = {
      wide: { sources: [cidr("192.168.0.0/16")] },
      narrow: { sources: [cidr("192.168.1.0/24"), cidr("10.0.0.0/8")] },
      six: { sources: [cidr("2001:db8::/32")] },
      all: { sources: [cidr("0.0.0.0/0")] },
    };
    expect(find(chains, {})).toBe("narrow");
    expect(find(chains, { remoteAddress: "192.168.2.1" })).toBe("wide");
    expect(find(chains, { remoteAddress: "8.8.8.8" })).toBe("all");
    expect(find(chains, { remoteAddress: "2001:db8::5" })).toBe("six");
    expect(find(chains, { remoteAddress: "2002::5" })).toBeUndefined();
  });

  test("by kind of source, ports, destination", () => {
    const chains = {
      local: { sourceType: "SAME_IP_OR_LOOPBACK" as const },
      far: { sourceType: "EXTERNAL" as const },
    };
    expect(find(chains, { remoteAddress: "127.0.0.1" })).toBe("local");
    expect(find(chains, { remoteAddress: "10.0.0.1" })).toBe("local");
    expect(find(chains, {})).toBe("far");
    expect(find({ a: { sourcePorts: [1, 5000] }, b: {} }, {})).toBe("a");
    expect(find({ a: { destinationPort: 80 }, b: {} }, {})).toBe("b");
    expect(find({ a: { destinations: [cidr("10.0.0.1/32")] }, b: {} }, {})).toBe("a");
  });

  test("once for all: a level decides even if nothing is left further down", () => {
    const chains = {
      named: { serverNames: ["a.example"], sources: [cidr("1.1.1.1/32")] },
      open: { sources: [cidr("192.168.0.0/16")] },
    };
    expect(find(chains, hello("a.example"))).toBeUndefined();
    expect(find(chains, hello("a.example"), "last")).toBe("last");
    expect(find(chains, hello("b.example"))).toBe("open");
  });

  test("or none", () => {
    expect(find({}, {}, "last")).toBe("last");
    expect(find({}, {})).toBeUndefined();
  });
});
