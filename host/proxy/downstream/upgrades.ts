import type { HttpConnectionManagerConfig, ManagerUpgrade, RouteUpgrade } from "../../config/model";
import type { ChainFactory } from "../chain";
import type { Route } from "../router/route";

/** Which upgrades a connection manager grants, and through which filters. Types are lower-case; CONNECT is one. */
export class Upgrades {
  private readonly types: ReadonlyMap<string, ManagerUpgrade>;
  /** Types that some request may be granted. */
  private readonly known: ReadonlySet<string>;

  constructor(
    config: HttpConnectionManagerConfig,
    private readonly createChain: ChainFactory,
    private readonly chains: ReadonlyMap<string, ChainFactory> = new Map(),
  ) {
    this.types = new Map(config.upgrades.map((each) => [each.type, each]));
    this.known = new Set([
      ...config.upgrades.map(({ type }) => type),
      ...config.virtualHosts.flatMap(({ routes }) =>
        routes.flatMap(({ action }) =>
          action.kind === "cluster" ? [...(action.upgrades?.keys() ?? [])] : [],
        ),
      ),
    ]);
  }

  /** None is ever granted: nobody needs to look out for them. */
  get none(): boolean {
    return this.known.size === 0;
  }

  /** False when requests of this type are refused wherever they go. */
  mayGrant(type: string): boolean {
    return this.known.has(type);
  }

  /** Puts filters around a stream that asks for an upgrade; undefined when it is refused. A route has the last word. */
  grant(type: string, route: Route | undefined): ChainFactory | undefined {
    const own = this.types.get(type);
    const enabled = routeUpgrade(type, route)?.enabled ?? own?.enabled ?? false;
    return enabled ? (this.chains.get(type) ?? this.createChain) : undefined;
  }
}

/** What a route says of an upgrade. */
export function routeUpgrade(type: string, route: Route | undefined): RouteUpgrade | undefined {
  const action = route?.config.action;
  return action?.kind === "cluster" ? action.upgrades?.get(type) : undefined;
}
