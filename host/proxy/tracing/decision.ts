import type { RequestIdConfig } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";

const NAME = "x-request-id";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Where in a request's id the reason stands why it is traced. */
const REASON_AT = 14;
const OF = 10_000;

export type Reason = "not_traceable" | "random_sampling" | "service_forced" | "client_enabled";

const LETTERS: readonly (readonly [Reason, string])[] = [
  ["not_traceable", "4"],
  ["random_sampling", "9"],
  ["service_forced", "a"],
  ["client_enabled", "b"],
];

/** Chances in ten thousand. */
export interface Sampling {
  readonly clientSampling: number;
  readonly randomSampling: number;
  readonly overallSampling: number;
}

/**
 * Whether a request is traced, and why: its id says so, or is made to. Proxies on its way that sample alike decide alike, as
 * chance comes out of the id.
 */
export function decide(
  headers: HeaderMap,
  config: Sampling,
  ids: RequestIdConfig,
  random = Math.random,
): Reason {
  const id = headers.get(NAME);
  if (!ids.useForSampling || id === undefined || !UUID.test(id)) return "not_traceable";
  const chance = Number.parseInt(id.slice(0, 8), 16) % OF;
  const letter = id[REASON_AT];
  const before = LETTERS.find(([, each]) => each === letter)?.[0] ?? "not_traceable";
  let reason = before;
  if (reason === "not_traceable") reason = reasonNow(headers, config, chance, random);
  if (reason !== "not_traceable" && chance >= config.overallSampling) reason = "not_traceable";
  if (reason !== before && ids.packTraceReason) {
    const now = LETTERS.find(([each]) => each === reason)![1];
    headers.set(NAME, id.slice(0, REASON_AT) + now + id.slice(REASON_AT + 1));
  }
  return reason;
}

function reasonNow(headers: HeaderMap, config: Sampling, chance: number, random: () => number): Reason {
  if (headers.has("x-client-trace-id") && random() * OF < config.clientSampling) return "client_enabled";
  if (headers.has("x-envoy-force-trace")) return "service_forced";
  return chance < config.randomSampling ? "random_sampling" : "not_traceable";
}
