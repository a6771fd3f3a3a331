import { isIP, SocketAddress } from "node:net";
import { trimmed } from "../../http1/message-reader";

/** A client as `x-forwarded-for` names it. */
export interface ForwardedClient {
  /** In its one canonical form, without brackets. */
  ip: string;
  /** Nobody else stands in the header. */
  sole: boolean;
}

/** The client that stands `skip` places before the end; undefined when no address does. */
export function forwardedClient(header: string | undefined, skip: number): ForwardedClient | undefined {
  if (header === undefined) return undefined;
  let end = header.length;
  for (let i = 0; i < skip; i++) {
    if (end <= 0) return undefined;
    end = header.lastIndexOf(",", end - 1);
  }
  if (end < 0) return undefined;
  const comma = end === 0 ? -1 : header.lastIndexOf(",", end - 1);
  // A comma at the very end has nobody behind it, and stays part of a text that is no address then.
  // By hand: a regular expression that takes blanks off an end looks at a long run of them again from each of its places.
  const text = trimmed(header, comma === end - 1 ? 0 : comma + 1, end);
  const family = isIP(text);
  if (family === 0) return undefined;
  const ip = family === 4 ? text : new SocketAddress({ address: text, family: "ipv6" }).address;
  return { ip, sole: comma < 0 && skip === 0 };
}

/** Addresses a machine has for itself alone. */
export function isLoopback(ip: string): boolean {
  return ip === "127.0.0.1" || ip === "::1" || ip === "::ffff:127.0.0.1";
}
