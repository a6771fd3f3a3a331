import type * as z from "zod";
import type { CorsPolicyConfig, FilterConfigs } from "../model";
import type { corsPolicy, filterConfigs } from "../schema/cors";
import { convertFraction } from "./fraction";
import { stringForm } from "./strings";

type RawPolicy = Omit<z.output<typeof corsPolicy>, "@type">;

export function convertCors(raw: RawPolicy): CorsPolicyConfig {
  return {
    allowOrigins: (raw.allow_origin_string_match ?? []).map(stringForm),
    allowMethods: raw.allow_methods ?? "",
    allowHeaders: raw.allow_headers ?? "",
    exposeHeaders: raw.expose_headers ?? "",
    maxAge: raw.max_age ?? "",
    allowCredentials: raw.allow_credentials,
    allowPrivateNetworkAccess: raw.allow_private_network_access,
    forwardNotMatchingPreflights: raw.forward_not_matching_preflights,
    enabled: convertFraction(raw.filter_enabled),
    shadow: convertFraction(raw.shadow_enabled),
  };
}

const NONE: FilterConfigs = new Map();

export function convertFilterConfigs(raw: z.output<typeof filterConfigs> | undefined): FilterConfigs {
  return raw ? new Map(Object.entries(raw).map(([name, policy]) => [name, convertCors(policy)])) : NONE;
}
