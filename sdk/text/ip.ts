import { decimal, hexDigit } from "./ascii";

/** An IPv4 or IPv6 address as a number of 128 bits; IPv4 in its mapped form `::ffff:a.b.c.d`. */
export class IpAddress {
  constructor(
    readonly isV4: bool,
    readonly high: u64,
    readonly low: u64,
  ) {}
}

/** A block of addresses of one family: the first `prefix` bits (of 128) are those of `address`. */
export class IpBlock {
  private readonly highMask: u64;
  private readonly lowMask: u64;

  constructor(
    readonly address: IpAddress,
    prefix: i32,
  ) {
    this.highMask = ones(min(prefix, 64));
    this.lowMask = ones(max(prefix - 64, 0));
  }

  /** An IPv6 block never holds an IPv4 address, not even `::/0`. */
  contains(address: IpAddress): bool {
    return (
      address.isV4 == this.address.isV4 &&
      ((address.high ^ this.address.high) & this.highMask) == 0 &&
      ((address.low ^ this.address.low) & this.lowMask) == 0
    );
  }
}

/** 64 bits, the first `count` of them set. */
function ones(count: i32): u64 {
  return count == 0 ? 0 : ~(<u64>0) << (<u64>(64 - count));
}

const MAPPED: u64 = 0xffff00000000;

/** `a.b.c.d` as a number, or -1. */
function readV4(text: string): i64 {
  let value: i64 = 0;
  let from = 0;
  for (let part = 0; part < 4; part++) {
    const dot = part < 3 ? text.indexOf(".", from) : text.length;
    if (dot < 0) return -1;
    const byte = decimal(text.substring(from, dot), 3);
    if (byte < 0 || byte > 255 || (dot - from > 1 && text.charCodeAt(from) == 48)) return -1;
    value = (value << 8) | byte;
    from = dot + 1;
  }
  return value;
}

/** Groups of an IPv6 address as they are read, the place of `::` among them. */
class Groups {
  readonly values: StaticArray<u16> = new StaticArray<u16>(8);
  count: i32 = 0;
  gap: i32 = -1;

  push(value: i32): bool {
    if (this.count == 8) return false;
    this.values[this.count++] = <u16>value;
    return true;
  }

  read(text: string): bool {
    let at = 0;
    if (text.startsWith("::")) {
      this.gap = 0;
      at = 2;
    }
    while (at < text.length) {
      const colon = text.indexOf(":", at);
      const end = colon < 0 ? text.length : colon;
      if (!this.part(text.substring(at, end), colon < 0)) return false;
      if (colon < 0) break;
      at = colon + 1;
      if (at == text.length) return false;
      if (text.charCodeAt(at) != 58) continue;
      if (this.gap >= 0) return false;
      this.gap = this.count;
      at++;
    }
    return this.gap < 0 ? this.count == 8 : this.count < 8;
  }

  private part(text: string, last: bool): bool {
    if (last && text.includes(".")) {
      const v4 = readV4(text);
      return v4 >= 0 && this.push(<i32>(v4 >> 16)) && this.push(<i32>(v4 & 0xffff));
    }
    if (text.length == 0 || text.length > 4) return false;
    let value = 0;
    for (let i = 0; i < text.length; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) return false;
      value = (value << 4) | digit;
    }
    return this.push(value);
  }

  /** Four groups as 64 bits, the gap filled with zeros. */
  word(from: i32): u64 {
    let word: u64 = 0;
    for (let i = from; i < from + 4; i++) word = (word << 16) | <u64>this.group(i);
    return word;
  }

  private group(index: i32): u16 {
    if (this.gap < 0 || index < this.gap) return this.values[index];
    const zeros = 8 - this.count;
    return index < this.gap + zeros ? 0 : this.values[index - zeros];
  }
}

/** Reads an address; a v4-mapped IPv6 address is the IPv4 address it stands for. Null when it is none. */
export function parseIp(text: string): IpAddress | null {
  if (text.length > 45) return null;
  if (!text.includes(":")) {
    const v4 = readV4(text);
    return v4 < 0 ? null : new IpAddress(true, 0, MAPPED | <u64>v4);
  }
  const groups = new Groups();
  if (!groups.read(text)) return null;
  const high = groups.word(0);
  const low = groups.word(4);
  return new IpAddress(high == 0 && low >> 32 == 0xffff, high, low);
}

/**
 * Reads `10.0.0.0/8`, `2001:db8::/32` or a single address; null when it is neither. Bits after the prefix are ignored.
 * A block in v4-mapped form is refused: proxies see such peers as IPv4, so it is to be written that way.
 */
export function parseIpBlock(text: string): IpBlock | null {
  const slash = text.indexOf("/");
  const host = slash < 0 ? text : text.substring(0, slash);
  const address = parseIp(host);
  if (address == null || (address.isV4 && host.includes(":"))) return null;
  const width = address.isV4 ? 32 : 128;
  const tail = slash < 0 ? "" : text.substring(slash + 1);
  const prefix = slash < 0 ? width : decimal(tail, 3);
  if (prefix < 0 || prefix > width || (tail.length > 1 && tail.charCodeAt(0) == 48)) return null;
  return new IpBlock(address, address.isV4 ? prefix + 96 : prefix);
}

/** The address in `ip:port` or `[ip]:port` (a zone is dropped), or null. */
export function addressOf(text: string): IpAddress | null {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return null;
  let host = text.substring(0, colon);
  if (host.startsWith("[") && host.endsWith("]")) host = host.substring(1, host.length - 1);
  const zone = host.indexOf("%");
  return parseIp(zone < 0 ? host : host.substring(0, zone));
}
