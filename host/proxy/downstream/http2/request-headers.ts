import type { HeaderLimits } from "../../../config/model";
import { HeaderMap } from "../../../stores/header-map";
import { CONNECT, fromExtendedConnect } from "../../tunnel/upgrade-headers";
import { AUTHORITY } from "../request-headers";

/** What a HEADERS frame says about its request. */
export interface RequestHead {
  headers: HeaderMap;
  expectsContinue: boolean;
  /** More than Envoy's codec takes: the stream is reset. */
  tooLarge: "bytes" | "count" | undefined;
  /** What it asks for beside HTTP: the protocol of an extended CONNECT, or `connect`. */
  tunnel: string | undefined;
  /** Nothing that this connection says is to be trusted. */
  malformed: boolean;
}

/**
 * Turns a raw header list (name, value, name, value, ...) into Envoy's view of the request: as it was on the wire, but
 * for `host`, which is `:authority` or nothing, and the crumbs of a cookie, which follow the other headers as one.
 */
export function readRequestHead(raw: readonly string[], limits: HeaderLimits): RequestHead {
  const headers = new HeaderMap("request");
  let expectsContinue = false;
  let host: string | undefined;
  let cookie: string | undefined;
  let protocol: string | undefined;
  let connect = false;
  let bytes = 0;
  let count = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name === "cookie") {
      // Its crumbs do not count (observed).
      cookie = cookie === undefined ? value : `${cookie}; ${value}`;
      continue;
    }
    bytes += name.length + value.length;
    count++;
    if (name.charCodeAt(0) === 58) {
      if (name === ":protocol") protocol = value;
      else if (name === ":method") connect = value === "CONNECT";
      headers.append(name, name === ":scheme" ? value.toLowerCase() : value);
    } else if (name === "host") host ??= value;
    else if (name === "expect" && value.toLowerCase() === "100-continue") expectsContinue = true;
    else headers.add(name, value);
  }
  if (host !== undefined && !headers.has(":authority")) headers.append(":authority", host);
  if (cookie !== undefined) headers.append("cookie", cookie);
  if (protocol !== undefined) fromExtendedConnect(headers, protocol);
  return {
    headers,
    expectsContinue,
    tunnel: protocol?.toLowerCase() ?? (connect ? CONNECT : undefined),
    tooLarge: bytes > limits.bytes ? "bytes" : count > limits.count ? "count" : undefined,
    malformed: !AUTHORITY.test(headers.get(":authority") ?? ""),
  };
}
