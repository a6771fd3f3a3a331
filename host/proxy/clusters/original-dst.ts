import { isIPv4, isIPv6, SocketAddress } from "node:net";
import type { EndpointConfig } from "../../config/model";
import type { OriginalDstConfig } from "../../config/model/original-dst";
import type { PickRequest } from "../balancing/host-set-balancer";
import type { StatCounter } from "../stats/store";
import { formatAddress, Host, type HostOwner } from "./host";
import type { HostSets } from "./host-sets";

/** Whoever may write the header could ask for any number of hosts; Envoy sets no limit. */
const MAX_HOSTS = 10_000;

const NOWHERE = { region: "", zone: "", subZone: "" };

/** Hosts that requests name themselves: made when first asked for, dropped when nobody asks and nothing is connected. */
export class OriginalDst {
  private readonly byAddress = new Map<string, Host>();
  /** Since the last look. */
  private readonly used = new Set<Host>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: OriginalDstConfig,
    private readonly owner: HostOwner & { readonly members: HostSets },
    private readonly invalid: StatCounter,
  ) {}

  /** Undefined: the request names none. A host's health does not matter: there is no other to take in its place. */
  pick({ headers }: PickRequest): Host | undefined {
    const text = headers?.get(this.config.header);
    if (text === undefined) return undefined;
    const place = parseAddress(text);
    if (!place) {
      this.invalid.inc();
      return undefined;
    }
    const { address } = place;
    const port = this.config.port ?? place.port;
    const host = this.byAddress.get(formatAddress(address, port)) ?? this.add(address, port);
    if (host) this.used.add(host);
    return host;
  }

  private add(address: string, port: number): Host | undefined {
    if (this.byAddress.size >= MAX_HOSTS) return undefined;
    const { owner, byAddress } = this;
    const name = formatAddress(address, port);
    const host = new Host(address, port, endpointOf(address, port, owner.config.name + name), owner);
    byAddress.set(name, host);
    owner.stats.membership_change.inc();
    owner.members.update([...byAddress.values()]);
    this.timer ??= setInterval(() => this.cleanUp(), this.config.cleanupMs);
    return host;
  }

  private cleanUp(): void {
    const { owner, byAddress, used } = this;
    const idle = [...byAddress].filter(
      ([, host]) => !used.has(host) && host.stats.cx_active.value === 0n && host.stats.rq_active.value === 0n,
    );
    used.clear();
    if (idle.length === 0) return;
    for (const [name, host] of idle) {
      byAddress.delete(name);
      host.close();
    }
    owner.stats.membership_change.inc();
    owner.members.update([...byAddress.values()]);
    if (byAddress.size === 0) this.close();
  }

  /** The hosts are the cluster's to close. */
  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

function endpointOf(address: string, port: number, hostname: string): EndpointConfig {
  return {
    address,
    port,
    hostname,
    weight: 1,
    metadata: undefined,
    localityMetadata: undefined,
    locality: NOWHERE,
    localityWeight: 0,
    priority: 0,
    health: "UNKNOWN",
    check: { port: 0, hostname: "", disabled: false },
  };
}

const ADDRESS = /^(?:\[([^\]]*)\]|([^:]*)):\s*\+?(\d{1,20})\s*$/;

/** `ip:port` or `[ip6]:port`; undefined for anything else. */
export function parseAddress(text: string): { address: string; port: number } | undefined {
  const [, v6, v4, digits] = ADDRESS.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  // Zones stand for interfaces of this machine: nothing for a client to choose.
  if (v6 !== undefined) return isIPv6(v6) && !v6.includes("%") ? { address: canonical(v6), port } : undefined;
  return isIPv4(v4!) ? { address: v4!, port } : undefined;
}

/** One way to write an address, so that there is one host for it. */
function canonical(v6: string): string {
  return new SocketAddress({ address: v6, family: "ipv6" }).address;
}
