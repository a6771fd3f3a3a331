import * as z from "zod";
import { cidr } from "./filter-chain";
import { message, rule, typed } from "./message";
import { bool, enumeration, headerValue, u32 } from "./scalars";

/** Fields of `HttpConnectionManager` about requests as they come in, and responses as they leave. */
export const edgeFields = {
  normalize_path: bool,
  merge_slashes: bool,
  path_with_escaped_slashes_action: enumeration({
    0: "IMPLEMENTATION_SPECIFIC_DEFAULT",
    1: "KEEP_UNCHANGED",
    2: "REJECT_REQUEST",
    3: "UNESCAPE_AND_REDIRECT",
    4: "UNESCAPE_AND_FORWARD",
  }),
  strip_matching_host_port: bool,
  strip_any_host_port: bool,
  strip_trailing_host_dot: bool,
  use_remote_address: bool,
  xff_num_trusted_hops: u32,
  skip_xff_append: bool,
  append_x_forwarded_port: bool,
  // Changes nothing in Envoy 1.40 (observed).
  represent_ipv4_remote_address_as_ipv4_mapped_ipv6: bool,
  internal_address_config: message({}, { unix_sockets: bool, cidr_ranges: z.array(cidr) }),
  via: headerValue,
  server_header_transformation: enumeration({ 0: "OVERWRITE", 1: "APPEND_IF_ABSENT", 2: "PASS_THROUGH" }),
  scheme_header_transformation: message(
    {},
    {
      scheme_to_overwrite: z.enum(["http", "https"], 'must be "http" or "https"').meta({ type: "string" }),
      match_upstream: bool,
    },
  ),
  add_user_agent: bool,
  generate_request_id: bool,
  preserve_external_request_id: bool,
  always_set_request_id_in_response: bool,
  request_id_extension: message(
    {
      typed_config: typed(
        "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
        {},
        { pack_trace_reason: bool, use_request_id_for_trace_sampling: bool },
      ),
    },
    {},
  ),
};

/** Which ports of a host are left out can be said in one way only. */
export const onePortRule = rule(({ strip_matching_host_port: matching, strip_any_host_port: any }, fail) => {
  const on = (value: unknown) => value === true || value === "true";
  if (on(matching) && on(any))
    fail("strip_matching_host_port and strip_any_host_port cannot both be set", ["strip_any_host_port"]);
});

const edge = message({}, edgeFields);
export type RawEdge = z.output<typeof edge>;
