import { isIP } from "node:net";
import { int, type PropertyValue, text } from "./property-values";

/** Reads the text a guest gives for an object: its value as a property, or undefined = refused. */
type Factory = (value: string) => PropertyValue | typeof OPAQUE | undefined;

/** An object without a serialized form. */
export const OPAQUE = Symbol("opaque");

const anything: Factory = (value) => text(value);
const opaque: Factory = () => OPAQUE;
const notEmpty: Factory = (value) => (value === "" ? undefined : text(value));

/** As absl reads a bool. */
const TRUE: ReadonlySet<string> = new Set(["true", "t", "yes", "y", "1"]);
const FALSE: ReadonlySet<string> = new Set(["false", "f", "no", "n", "0"]);

const bool: Factory = (value) => {
  const lower = value.toLowerCase();
  if (!TRUE.has(lower) && !FALSE.has(lower)) return undefined;
  return text(String(TRUE.has(lower)));
};

/** As absl reads an unsigned number: blanks around it do not matter. */
const unsigned =
  (bits: number): Factory =>
  (value) => {
    const digits = /^\s*\+?(\d{1,20})\s*$/.exec(value)?.[1];
    if (digits === undefined || BigInt(digits) >> BigInt(bits) > 0n) return undefined;
    return text(String(BigInt(digits)));
  };

const ip: Factory = (value) => {
  const family = isIP(value);
  return family === 0 ? undefined : text(family === 6 ? `[${value}]:0` : `${value}:0`);
};

/** `ip:port`: not shown as a whole, but its two parts. */
const address: Factory = (value) => {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value);
  const [host, port] = [match?.[1] ?? match?.[2] ?? "", Number(match?.[3])];
  if (!match || isIP(host) !== (match[1] === undefined ? 4 : 6) || port > 65_535) return undefined;
  const parts: Readonly<Record<string, PropertyValue | undefined>> = { ip: text(host), port: int(port) };
  const get = (key: string) => (Object.hasOwn(parts, key) ? parts[key] : undefined);
  return { kind: "map", get, entries: () => [] };
};

/** The objects of Envoy 1.40 that a filter can make with `set_envoy_filter_state`, by key. */
export const ENVOY_OBJECTS: Readonly<Record<string, Factory>> = {
  "envoy.string": anything,
  "envoy.hashable_string": anything,
  "envoy.bool": bool,
  "envoy.network.ip": ip,
  "envoy.network.upstream_server_name": anything,
  "envoy.network.upstream_subject_alt_names": anything,
  "envoy.network.application_protocols": opaque,
  "envoy.network.network_namespace": anything,
  "envoy.network.transport_socket.original_dst_address": address,
  "envoy.filters.listener.original_dst.local_ip": address,
  "envoy.filters.listener.original_dst.remote_ip": address,
  "envoy.upstream.dynamic_host": anything,
  "envoy.upstream.dynamic_port": unsigned(32),
  "envoy.ratelimit.hits_addend": unsigned(32),
  "envoy.router.debug_config": opaque,
  "envoy.tcp_proxy.cluster": anything,
  "envoy.tcp_proxy.disable_tunneling": (value) => text(String(value === "true")),
  "envoy.tcp_proxy.per_connection_idle_timeout_ms": unsigned(64),
  "envoy.ai.model.request": notEmpty,
};
