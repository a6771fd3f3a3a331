import { lookup } from "node:dns/promises";
import type { ClusterConfig, EndpointConfig } from "../../config/model";
import type { NameResolver } from "../../context/name-resolver";
import type { Cluster } from "./cluster";

const REFRESH_MS = 5000;

const FAMILY: Readonly<Record<ClusterConfig["dnsLookupFamily"], readonly (0 | 4 | 6)[]>> = {
  // AUTO asks for IPv6 first and takes IPv4 when there is none.
  AUTO: [6, 4],
  V4_ONLY: [4],
  V6_ONLY: [6],
  V4_PREFERRED: [4, 6],
  ALL: [0],
};

/** Answers that say "no such address", as opposed to no answer. */
const NOTHING: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "EAI_NONAME", "EAI_NODATA"]);

/** `localhost` is both loopback addresses whatever the hosts file says, as Envoy's resolver has it. */
function loopback(name: string, family: 0 | 4 | 6): string[] | undefined {
  if (name !== "localhost" && !name.endsWith(".localhost")) return undefined;
  return [...(family === 6 ? [] : ["127.0.0.1"]), ...(family === 4 ? [] : ["::1"])];
}

/** Addresses of the first family that has any; throws when the question could not be put. */
async function resolve(name: string, families: readonly (0 | 4 | 6)[]): Promise<string[]> {
  if (name === "") return [];
  for (const family of families) {
    const found = loopback(name, family) ?? (await lookupAll(name, family));
    if (found.length > 0) return found;
  }
  return [];
}

async function lookupAll(name: string, family: 0 | 4 | 6): Promise<string[]> {
  try {
    return (await lookup(name, { all: true, family })).map((f) => f.address);
  } catch (error) {
    if (NOTHING.has((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

/** What filters ask for themselves; Envoy takes IPv4 only where there is no IPv6, too. */
export const nameResolver: NameResolver = {
  resolve(name, onDone) {
    // A defect in what hears of it is told as one of the proxy.
    void resolve(name, FAMILY.AUTO)
      .catch(() => undefined)
      .then((addresses) => setImmediate(onDone, addresses));
  },
};

/** Keeps a DNS cluster's hosts in step with its names: at once, then every 5 s. */
export class Resolver {
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  /** The last answer for each name. */
  private readonly known = new Map<EndpointConfig, readonly string[]>();

  constructor(private readonly cluster: Cluster) {}

  /** Resolves once the first answers are in, good or bad. */
  async start(): Promise<void> {
    await this.refresh();
  }

  private async refresh(): Promise<void> {
    const { config, stats } = this.cluster;
    const logical = config.type === "LOGICAL_DNS";
    const endpoints = logical ? config.endpoints.slice(0, 1) : config.endpoints;
    const answers = await Promise.all(endpoints.map((endpoint) => this.look(endpoint)));
    if (this.closed) return;
    for (const [i, answer] of answers.entries()) if (answer) this.known.set(endpoints[i]!, answer);
    const hosts = endpoints.flatMap((endpoint) => {
      const addresses = this.known.get(endpoint) ?? [];
      const used = logical ? addresses.slice(0, 1) : addresses;
      return used.map((address) => ({ address, port: endpoint.port, endpoint }));
    });
    const changed = this.cluster.update(hosts);
    stats.update_no_rebuild.add(answers.filter((answer) => answer).length - changed);
    this.timer = setTimeout(() => void this.refresh(), REFRESH_MS);
  }

  /** Undefined: the question could not be put, and what was known before stays in use. Names know nothing of each other. */
  private async look({ address }: EndpointConfig): Promise<readonly string[] | undefined> {
    const { config, stats } = this.cluster;
    stats.update_attempt.inc();
    try {
      const answer = await resolve(address, FAMILY[config.dnsLookupFamily]);
      stats.update_success.inc();
      return answer;
    } catch {
      stats.update_failure.inc();
      return undefined;
    }
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
