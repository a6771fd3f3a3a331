import * as z from "zod";
import { connectionLog, tcpLogOptions } from "./access-log";
import { metadata } from "./common";
import { message, oneOf, typed } from "./message";
import { duration, durationWithin, requiredText, u32 } from "./scalars";

const positive = u32.refine((n) => n > 0, "must be at least 1").meta({ type: "uint32" });

const weightedClusters = message(
  {
    clusters: z
      .array(message({ name: requiredText, weight: positive }, { metadata_match: metadata }))
      .min(1, "must not be empty"),
  },
  {},
);

/** Of Envoy's two kinds the one that needs no other filter. */
const hashPolicy = message({ source_ip: message({}, {}) }, {});

export const tcpProxy = typed(
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
  { stat_prefix: requiredText },
  {
    cluster: requiredText,
    weighted_clusters: weightedClusters,
    metadata_match: metadata,
    hash_policy: z.array(hashPolicy).max(1, "there is at most one"),
    access_log: z.array(connectionLog),
    access_log_options: tcpLogOptions,
    idle_timeout: duration,
    max_connect_attempts: positive,
    max_downstream_connection_duration: durationWithin(
      1,
      Number.POSITIVE_INFINITY,
      "must be at least 0.001s",
    ),
  },
).check(oneOf(["cluster", "weighted_clusters"], "required"));
