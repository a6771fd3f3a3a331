import type { HeaderMap } from "../../stores/header-map";

/** What a request is called that asks for a tunnel by its method. */
export const CONNECT = "connect";

const UPGRADE_TOKEN = /(?:^|[, ])upgrade(?:[, ]|$)/i;

/** Says a message `connection: upgrade`, and to what? */
export function isUpgrade(headers: HeaderMap): boolean {
  return headers.has("upgrade") && UPGRADE_TOKEN.test(headers.get("connection") ?? "");
}

/** Has a response of this status granted the tunnel that was asked for? */
export function isGranted(type: string, status: number, headers: HeaderMap): boolean {
  return type === CONNECT ? status >= 200 && status < 300 : status === 101 && isUpgrade(headers);
}

/** An extended CONNECT (RFC 8441) as HTTP/1 says it, which is how filters and routes see it. */
export function fromExtendedConnect(headers: HeaderMap, protocol: string): void {
  headers.remove(":protocol");
  headers.set(":method", "GET");
  headers.append("upgrade", protocol);
  headers.append("connection", "upgrade");
}

/** An upgrade of HTTP/1 as an extended CONNECT. */
export function toExtendedConnect(headers: HeaderMap): HeaderMap {
  const out = headers.clone();
  const protocol = headers.get("upgrade") ?? "";
  out.remove("upgrade");
  out.remove("connection");
  if (out.get("content-length") === "0") out.remove("content-length");
  out.set(":method", "CONNECT");
  out.append(":protocol", protocol);
  return out;
}

/** The answer 200 to an extended CONNECT as HTTP/1 says it. */
export function fromExtendedResponse(headers: HeaderMap, protocol: string): void {
  if (headers.get(":status") !== "200") return;
  headers.set(":status", "101");
  headers.append("upgrade", protocol);
  headers.append("connection", "upgrade");
}

/** The answer 101 as that to an extended CONNECT. */
export function toExtendedResponse(headers: HeaderMap): HeaderMap {
  const out = headers.clone();
  out.set(":status", "200");
  for (const name of ["upgrade", "connection", "content-length", "transfer-encoding"]) out.remove(name);
  return out;
}
