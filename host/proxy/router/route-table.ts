import type { HttpConnectionManagerConfig, VirtualHostConfig } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import { portStart } from "../downstream/edge/host";
import { type RouteMatcher, routeMatcher } from "./matchers";
import { type Route, type RouteChooser, routeChooser } from "./route";

interface CompiledHost {
  readonly virtualHost: VirtualHostConfig;
  readonly routes: readonly {
    readonly choose: RouteChooser;
    readonly matches: RouteMatcher;
    readonly connect: boolean;
  }[];
}

/** Of a request without a path: only CONNECT, and only by a route that asks for it. */
function findConnect({ routes }: CompiledHost, headers: HeaderMap, random: number): Route | undefined {
  if (headers.get(":method") !== "CONNECT") return undefined;
  return routes
    .find(({ connect, matches }) => connect && matches(headers, "", undefined, random))
    ?.choose(headers, random);
}

interface Wildcard {
  readonly text: string;
  readonly host: CompiledHost;
}

/** The route configuration of one connection manager, ready to be searched. */
export class RouteTable {
  private readonly exact = new Map<string, CompiledHost>();
  private readonly suffixes: Wildcard[] = [];
  private readonly prefixes: Wildcard[] = [];
  private fallback: CompiledHost | undefined;

  private readonly ignorePort: boolean;

  constructor(config: HttpConnectionManagerConfig) {
    this.ignorePort = config.ignorePortInHostMatching;
    for (const virtualHost of config.virtualHosts) {
      const host: CompiledHost = {
        virtualHost,
        routes: virtualHost.routes.map((route) => ({
          choose: routeChooser(route, virtualHost, config),
          matches: routeMatcher(route.match),
          connect: route.match.path.kind === "connect",
        })),
      };
      for (const domain of virtualHost.domains) this.addDomain(domain.toLowerCase(), host);
    }
    const longestFirst = (a: Wildcard, b: Wildcard) => b.text.length - a.text.length;
    this.suffixes.sort(longestFirst);
    this.prefixes.sort(longestFirst);
  }

  private addDomain(domain: string, host: CompiledHost): void {
    if (domain === "*") this.fallback = host;
    else if (domain.startsWith("*")) this.suffixes.push({ text: domain.slice(1), host });
    else if (domain.endsWith("*")) this.prefixes.push({ text: domain.slice(0, -1), host });
    else this.exact.set(domain, host);
  }

  /** Exact name, then the longest `*suffix`, then the longest `prefix*`, then `*`; case does not matter. */
  private findHost(authority: string): CompiledHost | undefined {
    if (this.exact.size === 0 && this.suffixes.length === 0 && this.prefixes.length === 0)
      return this.fallback;
    const end = this.ignorePort ? portStart(authority) : -1;
    const name = (end < 0 ? authority : authority.slice(0, end)).toLowerCase();
    const exact = this.exact.get(name);
    if (exact) return exact;
    // A wildcard stands for at least one character.
    const fits = (w: Wildcard, ok: boolean) => ok && name.length > w.text.length;
    return (
      this.suffixes.find((w) => fits(w, name.endsWith(w.text)))?.host ??
      this.prefixes.find((w) => fits(w, name.startsWith(w.text)))?.host ??
      this.fallback
    );
  }

  private hostFor(headers: HeaderMap): CompiledHost | undefined {
    // Envoy routes nothing whose scheme it cannot tell.
    return headers.get("x-forwarded-proto") ? this.findHost(headers.get(":authority") ?? "") : undefined;
  }

  /** The virtual host of a request, whether or not it has a route for it. */
  virtualHost(headers: HeaderMap): VirtualHostConfig | undefined {
    return this.hostFor(headers)?.virtualHost;
  }

  /**
   * The first route of the virtual host that fits; undefined = 404.
   *
   * @param random the stream's own number, from 0 to 2^53: it decides about fractions and weights
   */
  find(headers: HeaderMap, random: number): Route | undefined {
    const target = headers.get(":path");
    const host = this.hostFor(headers);
    if (!host) return undefined;
    if (target === undefined) return findConnect(host, headers, random);
    const mark = target.indexOf("?");
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? undefined : target.slice(mark + 1);
    for (const { choose, matches } of host.routes) {
      if (matches(headers, path, query, random)) return choose(headers, random);
    }
    return undefined;
  }
}
