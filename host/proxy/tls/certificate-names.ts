import type { X509Certificate } from "node:crypto";
import { SocketAddress } from "node:net";

/** Kinds of alternative names, as Node prints them. */
const KINDS = { DNS: "DNS", URI: "URI", email: "EMAIL", "IP Address": "IP_ADDRESS" } as const;

/** One subject alternative name; a value is Latin-1 text, one character a byte. */
export interface AlternativeName {
  type: (typeof KINDS)[keyof typeof KINDS] | "OTHER";
  value: string;
}

/**
 * A distinguished name as Envoy prints it (RFC 2253: last part first, bytes beyond ASCII as `\C3\A4`). Node
 * prints a line a part, escaped the same way but for those bytes.
 */
export function distinguishedName(name: string | undefined): string {
  return (name ?? "")
    .split("\n")
    .reverse()
    .map((part) => part.split(" + ").reverse().join("+"))
    .join(",")
    .replace(/[\u0080-\u{10ffff}]/gu, escaped);
}

function escaped(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).toUpperCase()}`).join("");
}

/** `TYPE:value`, the value quoted as JSON where a plain one could be mistaken. */
const ENTRY = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** The alternative names of a certificate, in its order. */
export function alternativeNames({ subjectAltName: text }: X509Certificate): AlternativeName[] {
  const names: AlternativeName[] = [];
  if (text === undefined) return names;
  ENTRY.lastIndex = 0;
  for (let match = ENTRY.exec(text); match; match = ENTRY.exec(text)) {
    const type = KINDS[match[1] as keyof typeof KINDS] ?? "OTHER";
    const value = match[2]!.startsWith('"') ? (JSON.parse(match[2]!) as string) : match[2]!;
    names.push({ type, value: type === "IP_ADDRESS" ? shortAddress(value) : value });
  }
  return names;
}

/** Node writes IPv6 addresses out in full. */
function shortAddress(address: string): string {
  return address.includes(":") ? new SocketAddress({ address, family: "ipv6" }).address : address;
}

/** The first name of a kind. */
export function firstName(
  names: readonly AlternativeName[],
  type: AlternativeName["type"],
): string | undefined {
  return names.find((name) => name.type === type)?.value;
}
