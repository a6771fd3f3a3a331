import type { Fraction, StringMatch } from "./common";

/** `CorsPolicy`; what is undefined or empty is looked for at the next level up. */
export interface CorsPolicyConfig {
  allowOrigins: StringMatch[];
  allowMethods: string;
  allowHeaders: string;
  exposeHeaders: string;
  maxAge: string;
  allowCredentials: boolean | undefined;
  allowPrivateNetworkAccess: boolean | undefined;
  forwardNotMatchingPreflights: boolean | undefined;
  /** Undefined: all requests. */
  enabled: Fraction | undefined;
  /** Counted, and no more. Undefined: none. */
  shadow: Fraction | undefined;
}

/** `typed_per_filter_config`: what one level says to filters, by their names. */
export type FilterConfigs = ReadonlyMap<string, CorsPolicyConfig>;
