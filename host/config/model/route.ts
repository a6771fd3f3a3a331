import type { Metadata } from "../../stores/stream-info";
import type { Fraction, HeaderMutation } from "./common";
import type { CorsPolicyConfig, FilterConfigs } from "./cors";
import type { BodyFormat } from "./local-reply";
import type { HeaderMatcherConfig, RouteMatch } from "./route-match";
import type { RouteTimeouts } from "./timeouts";
import type { RouteDecorator } from "./tracing";
import type { RouteUpgrade } from "./upgrade";

export interface VirtualHostConfig {
  name: string;
  domains: string[];
  metadata: Metadata | undefined;
  routes: RouteConfig[];
  /** `x-envoy-attempt-count` goes to the upstream, or back to the client. */
  attemptCountUpstream: boolean;
  attemptCountDownstream: boolean;
  /** `x-envoy-is-timeout-retry` goes to the upstream with every retry. */
  tellsTimeoutRetry: boolean;
  cors: CorsPolicyConfig | undefined;
  filterConfigs: FilterConfigs;
  requestHeaders: HeaderMutation;
  responseHeaders: HeaderMutation;
}

export interface RouteConfig {
  name: string;
  metadata: Metadata | undefined;
  match: RouteMatch;
  action: RouteAction;
  filterConfigs: FilterConfigs;
  decorator: RouteDecorator | undefined;
  requestHeaders: HeaderMutation;
  responseHeaders: HeaderMutation;
}

export type RouteAction =
  | {
      kind: "cluster";
      choice: ClusterChoice;
      notFoundStatus: number;
      /** Milliseconds; 0 = none; default 15 000. */
      timeoutMs: number;
      timeouts: RouteTimeouts;
      cors: CorsPolicyConfig | undefined;
      prefixRewrite: string | undefined;
      regexRewrite: RegexRewrite | undefined;
      hostRewrite: HostRewrite | undefined;
      appendForwardedHost: boolean;
      hashPolicies: HashPolicy[];
      /** `metadata_match`: fields of `envoy.lb` that the host has to have. */
      match: Record<string, unknown> | undefined;
      /** The virtual host's unless the route has its own. */
      retry: RetryPolicy | undefined;
      mirrors: MirrorPolicy[];
      /** By type, lower-case; undefined = as the connection manager says. */
      upgrades: ReadonlyMap<string, RouteUpgrade> | undefined;
    }
  | { kind: "directResponse"; status: number; body: Buffer; bodyFormat?: BodyFormat | undefined }
  | {
      kind: "redirect";
      schemeRedirect: string | undefined;
      httpsRedirect: boolean;
      hostRedirect: string | undefined;
      portRedirect: number | undefined;
      pathRedirect: string | undefined;
      prefixRewrite: string | undefined;
      regexRewrite: RegexRewrite | undefined;
      /** HTTP status: 301, 302, 303, 307, 308. */
      code: number;
      stripQuery: boolean;
    };

/** Where a request goes: to one cluster, to the one a header names, or to one of several by weight. */
export type ClusterChoice =
  | { kind: "one"; cluster: string }
  | { kind: "header"; name: string }
  | { kind: "weighted"; clusters: WeightedCluster[] };

export interface WeightedCluster {
  cluster: string;
  weight: number;
  hostRewriteLiteral: string | undefined;
  filterConfigs: FilterConfigs;
  /** Over those of the route. */
  match: Record<string, unknown> | undefined;
  requestHeaders: HeaderMutation;
  responseHeaders: HeaderMutation;
}

export interface MirrorPolicy {
  cluster: string;
  fraction: Fraction | undefined;
  /** The copy goes to the same authority, without `-shadow`. */
  keepHost: boolean;
}

export type HostRewrite =
  | { kind: "literal"; value: string }
  | { kind: "header"; name: string }
  | { kind: "path"; rewrite: RegexRewrite }
  /** The chosen host's own name. */
  | { kind: "auto" };

/** What of a request is hashed; `terminal` ends the list once there is a hash. */
export type HashPolicy = { terminal: boolean } & (
  | { by: "header"; name: string }
  | { by: "query"; name: string }
  | { by: "source ip" }
  /** With a time to live a client without the cookie is given one; 0 = for its session. */
  | { by: "cookie"; name: string; ttlSeconds: number | undefined; path: string }
);

/** `RetryPolicy` */
export interface RetryPolicy {
  on: ReadonlySet<string>;
  retries: number;
  /** Milliseconds of one attempt; 0 = no limit of its own. */
  perTryTimeoutMs: number;
  /** Milliseconds in which an attempt's response must go on; 0 = no limit. */
  perTryIdleTimeoutMs: number;
  avoidPreviousHosts: boolean;
  /** Picks, at most, that are thrown away because the host was tried already. */
  hostSelectionAttempts: number;
  statusCodes: ReadonlySet<number>;
  headers: HeaderMatcherConfig[];
  /** Only requests that one of these fits are retried; empty = all. */
  requestHeaders: HeaderMatcherConfig[];
  /** Milliseconds. */
  backOff: { base: number; max: number };
}

/** `RegexMatchAndSubstitute` */
export interface RegexRewrite {
  pattern: string;
  /** `\\0` to `\\9` stand for groups, `\\\\` for a backslash. */
  substitution: string;
}
