import type { Cidr, FilterChainMatch, InspectionConfig } from "../model";
import type { RawListener } from "../schema/bootstrap";
import type { RawCidr, RawMatch } from "../schema/filter-chain";
import { durationMs } from "../schema/scalars";

/** Envoy's `listener_filters_timeout`. */
const DEFAULT_TIMEOUT_MS = 15_000;

export function convertMatch(raw: RawMatch): FilterChainMatch {
  return {
    destinationPort: raw.destination_port,
    destinations: (raw.prefix_ranges ?? []).map(convertCidr),
    serverNames: raw.server_names ?? [],
    transportProtocol: raw.transport_protocol ?? "",
    applicationProtocols: raw.application_protocols ?? [],
    directSources: (raw.direct_source_prefix_ranges ?? []).map(convertCidr),
    sourceType: raw.source_type ?? "ANY",
    sources: (raw.source_prefix_ranges ?? []).map(convertCidr),
    sourcePorts: raw.source_ports ?? [],
  };
}

export function convertCidr({ address_prefix, prefix_len }: RawCidr): Cidr {
  return { address: address_prefix, prefixLength: prefix_len ?? 0 };
}

/** What listener filters there are. Envoy warns of a match that needs the TLS inspector, and does not put it in (observed). */
export function convertInspection(raw: RawListener): InspectionConfig {
  return {
    tls: (raw.listener_filters ?? []).length > 0,
    timeoutMs:
      raw.listener_filters_timeout === undefined
        ? DEFAULT_TIMEOUT_MS
        : durationMs(raw.listener_filters_timeout),
    continueOnTimeout: raw.continue_on_listener_filters_timeout ?? false,
  };
}
