import type {
  FilterConfigs,
  HeaderMutation,
  HostRewrite,
  HttpConnectionManagerConfig,
  RouteAction,
  RouteConfig,
  VirtualHostConfig,
  WeightedCluster,
} from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import { type MatchCriteria, mergeCriteria } from "../balancing/match-criteria";
import { type Rewriter, regexRewriter } from "./regex-rewrite";

/** The route a request takes, with the virtual host it stands in. */
export interface Route {
  readonly config: RouteConfig;
  readonly virtualHost: VirtualHostConfig;
  /** Where it leads; undefined when the proxy answers itself. */
  readonly cluster: string | undefined;
  readonly hostRewrite: HostRewrite | undefined;
  /** The authority that a weighted cluster gives a request, before the route looks at it. */
  readonly clusterHost: string | undefined;
  /** What the host is asked to be; undefined = nothing. */
  readonly match: MatchCriteria | undefined;
  /** What is done to the path, without its query; undefined = nothing. */
  readonly rewritePath: Rewriter | undefined;
  /** What replaces the host out of the path. */
  readonly hostFromPath: Rewriter | undefined;
  /** What the levels say to filters, the nearest first. */
  readonly filterConfigs: readonly FilterConfigs[];
  /** Header mutations in the order they are made: the last has the last word. */
  readonly requestHeaders: readonly HeaderMutation[];
  readonly responseHeaders: readonly HeaderMutation[];
}

/** Takes a route of the configuration for one request; `random` is the stream's own number. */
export type RouteChooser = (headers: HeaderMap, random: number) => Route;

type Mutations = Pick<
  HttpConnectionManagerConfig,
  "requestHeaderMutation" | "responseHeaderMutation" | "filterConfigs"
>;

/** Prepares a route: what can be known before a request comes is made once. */
export function routeChooser(
  config: RouteConfig,
  virtualHost: VirtualHostConfig,
  manager: Mutations,
): RouteChooser {
  const { action } = config;
  const base: Route = {
    config,
    virtualHost,
    cluster: undefined,
    hostRewrite: action.kind === "cluster" ? action.hostRewrite : undefined,
    clusterHost: undefined,
    match: mergeCriteria(undefined, action.kind === "cluster" ? action.match : undefined),
    rewritePath: pathRewriter(config),
    hostFromPath: hostFromPath(action),
    filterConfigs: [config.filterConfigs, virtualHost.filterConfigs, manager.filterConfigs],
    requestHeaders: [config.requestHeaders, virtualHost.requestHeaders, manager.requestHeaderMutation],
    responseHeaders: [config.responseHeaders, virtualHost.responseHeaders, manager.responseHeaderMutation],
  };
  if (action.kind !== "cluster") return () => base;
  const { choice } = action;
  if (choice.kind === "one") {
    const route = { ...base, cluster: choice.cluster };
    return () => route;
  }
  if (choice.kind === "header") return (headers) => ({ ...base, cluster: headers.get(choice.name) ?? "" });
  return byWeight(choice.clusters.map((each) => weighted(base, each)));
}

function weighted(base: Route, each: WeightedCluster): { weight: number; route: Route } {
  const { cluster, weight, hostRewriteLiteral: clusterHost } = each;
  return {
    weight,
    route: {
      ...base,
      cluster,
      clusterHost,
      match: mergeCriteria(base.match, each.match),
      filterConfigs: [each.filterConfigs, ...base.filterConfigs],
      requestHeaders: [each.requestHeaders, ...base.requestHeaders],
      responseHeaders: [each.responseHeaders, ...base.responseHeaders],
    },
  };
}

function byWeight(choices: readonly { weight: number; route: Route }[]): RouteChooser {
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  return (_, random) => {
    let left = random % total;
    for (const { weight, route } of choices) {
      if (left < weight) return route;
      left -= weight;
    }
    return choices[0]!.route;
  };
}

function hostFromPath(action: RouteAction): Rewriter | undefined {
  const rewrite = action.kind === "cluster" ? action.hostRewrite : undefined;
  return rewrite?.kind === "path" ? regexRewriter(rewrite.rewrite) : undefined;
}

/** `prefix_rewrite` replaces what the route matched: the prefix, or the whole path. `regex_rewrite` looks for itself. */
function pathRewriter({ action, match }: RouteConfig): Rewriter | undefined {
  if (action.kind === "directResponse") return undefined;
  const { prefixRewrite, regexRewrite } = action;
  if (regexRewrite) return regexRewriter(regexRewrite);
  if (prefixRewrite === undefined) return undefined;
  const { kind, value } = match.path;
  const isPrefix = kind === "prefix" || kind === "separated prefix";
  return isPrefix ? (path) => prefixRewrite + path.slice(value.length) : () => prefixRewrite;
}

/** Rewrites the path of a target and keeps its query. */
export function rewriteTarget(target: string, rewrite: Rewriter): string {
  const mark = target.indexOf("?");
  return mark < 0 ? rewrite(target) : rewrite(target.slice(0, mark)) + target.slice(mark);
}
