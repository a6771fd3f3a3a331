import { isIP, isIPv6 } from "node:net";
import * as z from "zod";
import { message, rule, typed } from "./message";
import { enumeration, port, requiredText, text, u32 } from "./scalars";

const nonZeroPort = port.refine((n) => n > 0, "must be at least 1").meta({ type: "port" });

/** `CidrRange`. */
export const cidr = message(
  { address_prefix: requiredText.refine((address) => isIP(address) !== 0, "must be an IP address") },
  { prefix_len: u32 },
).check(
  rule<{ address_prefix?: unknown; prefix_len?: unknown }>(({ address_prefix, prefix_len }, fail) => {
    const most = isIPv6(String(address_prefix)) ? 128 : 32;
    if (Number(prefix_len) > most) fail(`must not be above ${most}`, ["prefix_len"]);
  }),
);

const serverName = text
  .refine(
    (name) => !name.includes("*") || /^\*\.[^*]+$/.test(name),
    "a wildcard stands for the first labels: *.example.com",
  )
  .meta({ type: "string" });

/** `FilterChainMatch`. */
export const filterChainMatch = message(
  {},
  {
    destination_port: nonZeroPort,
    prefix_ranges: z.array(cidr),
    direct_source_prefix_ranges: z.array(cidr),
    source_type: enumeration({ 0: "ANY", 1: "SAME_IP_OR_LOOPBACK", 2: "EXTERNAL" }),
    source_prefix_ranges: z.array(cidr),
    source_ports: z.array(nonZeroPort),
    server_names: z.array(serverName),
    transport_protocol: z
      .enum(["", "raw_buffer", "tls"], 'must be "tls" or "raw_buffer"')
      .meta({ type: "string" }),
    application_protocols: z.array(text),
  },
);

/** `envoy.filters.listener.tls_inspector`, the one listener filter there is. */
export const listenerFilter = message(
  {
    name: requiredText,
    typed_config: typed("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", {}, {}),
  },
  {},
);

export type RawMatch = z.output<typeof filterChainMatch>;
export type RawCidr = z.output<typeof cidr>;
