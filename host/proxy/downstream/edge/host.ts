import type { HostRules } from "../../../config/model";
import type { HeaderMap } from "../../../stores/header-map";

const HOST = ":authority";

/**
 * Leaves out of a request's host what the configuration says does not tell hosts apart. A tunnel still needs its port:
 * the one that was left out comes back.
 */
export function normalizeHost(
  headers: HeaderMap,
  rules: HostRules,
  listenerPort: number,
): string | undefined {
  const { stripPort, stripTrailingDot } = rules;
  if (stripPort === "none" && !stripTrailingDot) return undefined;
  const host = headers.get(HOST);
  if (host === undefined) return undefined;
  const whole = stripTrailingDot ? withoutDot(host) : host;
  const bare =
    stripPort === "none" ? whole : withoutPort(whole, stripPort === "any" ? undefined : listenerPort);
  if (bare !== host) headers.set(HOST, bare);
  return bare === whole ? undefined : whole.slice(bare.length + 1);
}

/** Puts the port back that a tunnel was asked for. */
export function restorePort(headers: HeaderMap, port: string | undefined): void {
  const host = headers.get(HOST);
  if (port !== undefined && host && portStart(host) < 0) headers.set(HOST, `${host}:${Number(port)}`);
}

/** The last dot, if nothing but a port follows. */
function withoutDot(host: string): string {
  const dot = host.lastIndexOf(".");
  if (dot < 0 || (dot < host.length - 1 && host[dot + 1] !== ":")) return host;
  return host.slice(0, dot) + host.slice(dot + 1);
}

const MAX_PORT_NUMBER = 4_294_967_295;

/** Where the colon before a port stands, readable or not; -1 = nowhere. */
export function portStart(host: string): number {
  const colon = host.lastIndexOf(":");
  return host.lastIndexOf("]") > colon ? -1 : colon;
}

/** Leaves the port out, if it is the one that is `wanted`, or any. */
function withoutPort(host: string, wanted: number | undefined): string {
  const colon = portStart(host);
  if (colon < 0) return host;
  const text = host.slice(colon + 1);
  const port = Number(text);
  if (!/^\+?\d+$/.test(text) || port > MAX_PORT_NUMBER) return host;
  return wanted === undefined || port === wanted ? host.slice(0, colon) : host;
}
