import { BlockList, isIP } from "node:net";
import type { Cidr } from "../../../config/model";

/** A set of addresses. An IPv4 address in IPv6's clothes (`::ffff:10.0.0.1`) is one of IPv6, as for Envoy. */
export class Ranges {
  private readonly lists = new Map<number, BlockList>();

  constructor(ranges: readonly Cidr[]) {
    for (const { address, prefixLength } of ranges) {
      const family = isIP(address);
      const list = this.lists.get(family) ?? new BlockList();
      list.addSubnet(address, prefixLength, family === 6 ? "ipv6" : "ipv4");
      this.lists.set(family, list);
    }
  }

  has(ip: string): boolean {
    const family = isIP(ip);
    return this.lists.get(family)?.check(ip, family === 6 ? "ipv6" : "ipv4") ?? false;
  }
}
