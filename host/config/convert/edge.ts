import type { Cidr, EdgeConfig } from "../model";
import type { RawRouteConfig } from "../schema/bootstrap";
import type { RawEdge } from "../schema/edge";
import { convertCidr } from "./filter-chain";

const range = (address: string, prefixLength: number): Cidr => ({ address, prefixLength });

/** What a configuration of internal addresses means that names none: private networks and the machine itself (observed). */
const PRIVATE: Cidr[] = [
  range("10.0.0.0", 8),
  range("172.16.0.0", 12),
  range("192.168.0.0", 16),
  range("127.0.0.1", 32),
  range("fd00::", 8),
  range("::1", 128),
];

/** Without any configuration nothing is internal. */
function convertInternal({ internal_address_config: config }: RawEdge): Cidr[] {
  const named = (config?.cidr_ranges ?? []).map(convertCidr);
  return config && named.length === 0 ? PRIVATE : named;
}

/** The edge of a connection manager, with Envoy's defaults. */
export function convertEdge(raw: RawEdge, routes: RawRouteConfig): EdgeConfig {
  const id = raw.request_id_extension?.typed_config;
  const escaped = raw.path_with_escaped_slashes_action ?? "IMPLEMENTATION_SPECIFIC_DEFAULT";
  return {
    path: {
      normalize: raw.normalize_path ?? false,
      mergeSlashes: raw.merge_slashes ?? false,
      escapedSlashes: escaped === "IMPLEMENTATION_SPECIFIC_DEFAULT" ? "KEEP_UNCHANGED" : escaped,
    },
    host: {
      stripPort: raw.strip_any_host_port ? "any" : raw.strip_matching_host_port ? "matching" : "none",
      stripTrailingDot: raw.strip_trailing_host_dot ?? false,
    },
    client: {
      useRemoteAddress: raw.use_remote_address ?? false,
      trustedHops: raw.xff_num_trusted_hops ?? 0,
      skipXffAppend: raw.skip_xff_append ?? false,
      appendForwardedPort: raw.append_x_forwarded_port ?? false,
      internal: convertInternal(raw),
    },
    requestId: {
      generate: raw.generate_request_id ?? true,
      preserveExternal: raw.preserve_external_request_id ?? false,
      inResponse: raw.always_set_request_id_in_response ?? false,
      packTraceReason: id?.pack_trace_reason ?? true,
      useForSampling: id?.use_request_id_for_trace_sampling ?? true,
    },
    internalOnly: (routes.internal_only_headers ?? []).map((name) => name.toLowerCase()),
    via: raw.via ?? "",
    serverHeader: raw.server_header_transformation ?? "OVERWRITE",
    addUserAgent: raw.add_user_agent ?? false,
    schemeToSet: raw.scheme_header_transformation?.scheme_to_overwrite,
    schemeOfUpstream: raw.scheme_header_transformation?.match_upstream ?? false,
  };
}
