import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

type Json = Record<string, unknown>;

/** What two versions of a listener are compared by. */
export interface ListenerPrint {
  name: string;
  /** As the file has it. */
  address: string;
  /** All but routes and what plugins are told. */
  shape: string;
  routes: string;
}

const PLUGIN = /\.v3\.(Wasm|WasmAccessLog)$/;

function digest(file: string): string {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch {
    return "";
  }
}

/**
 * A part of a file as text, with what stands in the files it names. Certificates are left to who watches them, modules to the
 * plugins.
 */
function print(value: unknown, leaveOut: (holder: Json, key: string) => boolean = () => false): string {
  return JSON.stringify(value, function (this: Json, key, item) {
    if (leaveOut(this, key)) return undefined;
    if (key === "common_tls_context") return JSON.stringify(item);
    return key === "filename" && typeof item === "string" ? [item, digest(item)] : item;
  });
}

const isPluginConfig = (holder: Json, key: string) =>
  key === "config" && PLUGIN.test(String(holder["@type"]));

/** `raw`: the whole file as plain JSON. */
export function listenerPrints(raw: Json): ListenerPrint[] {
  return resources(raw, "listeners").map((listener) => {
    const socket = (listener.address as { socket_address?: Json } | undefined)?.socket_address;
    const routes: unknown[] = [];
    const shape = print(listener, (holder, key) => {
      if (key === "route_config") routes.push(holder[key]);
      return key === "route_config" || isPluginConfig(holder, key);
    });
    return {
      name: String(listener.name ?? ""),
      address: `${socket?.address}:${socket?.port_value}`,
      shape,
      routes: print(routes),
    };
  });
}

/** A key for each cluster, in the order of the file. */
export function clusterPrints(raw: Json): string[] {
  return resources(raw, "clusters").map((cluster) => print(cluster));
}

/** What a running proxy cannot change: node, admin address, services, statistics. */
export function fixedPrint({ static_resources: _, ...rest }: Json): string {
  return print(rest);
}

function resources(raw: Json, kind: string): Json[] {
  return ((raw.static_resources as Json | undefined)?.[kind] ?? []) as Json[];
}
