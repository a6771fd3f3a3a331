/** An address or a block of addresses: 16 bytes (IPv4 as `::ffff:a.b.c.d`) and a prefix length of 0 to 128. */
export class IpBlock {
  constructor(
    readonly bytes: StaticArray<u8>,
    readonly prefix: i32,
  ) {}

  contains(address: StaticArray<u8>): bool {
    const whole = this.prefix >> 3;
    for (let i = 0; i < whole; i++) if (this.bytes[i] != address[i]) return false;
    const rest = this.prefix & 7;
    if (rest == 0) return true;
    const mask = 0xff << (8 - rest);
    return ((<i32>this.bytes[whole] ^ <i32>address[whole]) & mask & 0xff) == 0;
  }
}

function decimal(text: string, most: i32): i32 {
  if (text.length == 0 || text.length > 3) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 48 || c > 57) return -1;
    value = value * 10 + (c - 48);
  }
  return value <= most ? value : -1;
}

function readV4(text: string, into: StaticArray<u8>, at: i32): bool {
  const parts = text.split(".");
  if (parts.length != 4) return false;
  for (let i = 0; i < 4; i++) {
    const value = decimal(parts[i], 255);
    if (value < 0 || (parts[i].length > 1 && parts[i].charCodeAt(0) == 48)) return false;
    into[at + i] = <u8>value;
  }
  return true;
}

function group(text: string): i32 {
  if (text.length == 0 || text.length > 4) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    let digit = -1;
    if (c >= 48 && c <= 57) digit = c - 48;
    else if (c >= 65 && c <= 70) digit = c - 55;
    else if (c >= 97 && c <= 102) digit = c - 87;
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

/** Reads groups into `into` from `at` on; returns the next free index, or -1. */
function readGroups(text: string, into: StaticArray<u8>, start: i32): i32 {
  if (text == "") return start;
  let at = start;
  const parts = text.split(":");
  for (let i = 0; i < parts.length; i++) {
    if (parts[i].includes(".")) {
      if (i != parts.length - 1 || at > 12 || !readV4(parts[i], into, at)) return -1;
      return at + 4;
    }
    const value = group(parts[i]);
    if (value < 0 || at > 14) return -1;
    into[at++] = <u8>(value >> 8);
    into[at++] = <u8>value;
  }
  return at;
}

/** Sixteen bytes of an IPv4 or IPv6 address, or null. */
export function parseIp(text: string): StaticArray<u8> | null {
  const bytes = new StaticArray<u8>(16);
  if (!text.includes(":")) {
    bytes[10] = 255;
    bytes[11] = 255;
    return readV4(text, bytes, 12) ? bytes : null;
  }
  if (text.length > 45) return null;
  const gap = text.indexOf("::");
  if (gap < 0) return readGroups(text, bytes, 0) == 16 ? bytes : null;
  if (text.indexOf("::", gap + 1) >= 0) return null;
  const head = readGroups(text.substring(0, gap), bytes, 0);
  const tail = new StaticArray<u8>(16);
  const tailSize = readGroups(text.substring(gap + 2), tail, 0);
  if (head < 0 || tailSize < 0 || head + tailSize > 14) return null;
  for (let i = 0; i < tailSize; i++) bytes[16 - tailSize + i] = tail[i];
  return bytes;
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address; null when it is neither. */
export function parseIpBlock(text: string): IpBlock | null {
  const slash = text.indexOf("/");
  const bytes = parseIp(slash < 0 ? text : text.substring(0, slash));
  if (bytes == null) return null;
  const v4 = !text.includes(":");
  const width = v4 ? 32 : 128;
  const prefix = slash < 0 ? width : decimal(text.substring(slash + 1), width);
  if (prefix < 0) return null;
  return new IpBlock(bytes, v4 ? prefix + 96 : prefix);
}

/** The address in `ip:port` or `[ip]:port`, or null. */
export function addressOf(text: string): StaticArray<u8> | null {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return parseIp(text);
  const host = text.substring(0, colon);
  return parseIp(host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length - 1) : host);
}
