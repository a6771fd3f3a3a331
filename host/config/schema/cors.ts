import * as z from "zod";
import { fractionalPercent, stringMatcher } from "./common";
import { message, typed } from "./message";
import { bool, text } from "./scalars";

const fraction = message({ default_value: fractionalPercent }, { runtime_key: text });

const POLICY = {
  allow_origin_string_match: z.array(stringMatcher),
  allow_methods: text,
  allow_headers: text,
  expose_headers: text,
  max_age: text,
  allow_credentials: bool,
  filter_enabled: fraction,
  shadow_enabled: fraction,
  allow_private_network_access: bool,
  forward_not_matching_preflights: bool,
};

/** `cors` of routes and virtual hosts: counts where nothing stands under `typed_per_filter_config`. */
export const corsPolicy = message({}, POLICY);

const EXTENSION = "envoy.extensions.filters.http.cors.v3";

export const corsFilter = typed(`${EXTENSION}.Cors`, {}, {});

/** What routes, virtual hosts and weighted clusters say to filters, by the filter's name. */
export const filterConfigs = z.record(
  z.string(),
  z.discriminatedUnion("@type", [typed(`${EXTENSION}.CorsPolicy`, {}, POLICY)], {
    error: ({ input }) => {
      const type = (input as { "@type"?: unknown } | null | undefined)?.["@type"];
      const what = type === undefined ? '"@type" is missing' : `unknown @type ${JSON.stringify(type)}`;
      return `${what}; for filters of the node engine there is ${EXTENSION}.CorsPolicy`;
    },
  }),
);
