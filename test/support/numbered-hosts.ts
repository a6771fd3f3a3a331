import { afterAll } from "vitest";
import type { Json } from "./bootstrap";
import type { Behaviour, Section } from "./conformance";
import { RawUpstream } from "./raw-upstream";

/** Hosts that both engines share, as where a hash leads is a matter of ports. Each answers with its number in `x-host`. */
export async function numberedHosts(count: number): Promise<readonly RawUpstream[]> {
  const hosts = await Promise.all(
    Array.from({ length: count }, (_, number) =>
      RawUpstream.start((_, reply) => reply.send({ headers: [["x-host", String(number)]] })),
    ),
  );
  afterAll(() => Promise.all(hosts.map((host) => host.close())));
  return hosts;
}

/** One of `lb_endpoints`. */
export const endpointOf = (port: number, more: Json = {}): Json => ({
  endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } },
  ...more,
});

/** Which hosts get the requests of one connection. */
export async function spread(
  b: Behaviour,
  count: number,
  request: (i: number) => { path?: string; headers?: [string, string][] } = () => ({}),
): Promise<number[]> {
  const client = await b.connect();
  const hosts: number[] = [];
  for (let i = 0; i < count; i++) {
    const response = await client.exchange(request(i));
    hosts.push(response.status === 503 ? -1 : Number(response.header("x-host")));
  }
  return hosts;
}

/** How many of the requests a host, or some hosts together, got. */
export const times = (found: readonly number[], ...hosts: number[]) =>
  found.filter((each) => hosts.includes(each)).length;

/** Five standard deviations around a share. */
export function around(count: number, of: number, share: number): boolean {
  return Math.abs(count - of * share) <= 5 * Math.sqrt(of * share * (1 - share)) + 1;
}

const STATES = { h: "HEALTHY", u: "UNHEALTHY", d: "DEGRADED", x: "DRAINING", t: "TIMEOUT" } as const;

/** Hosts of one priority and locality. */
export interface HostGroup {
  /** A letter of STATES for each host; hosts are numbered through all groups. */
  hosts: string;
  priority?: number;
  zone?: string;
  /** Of the locality. */
  weight?: number;
  hostWeights?: readonly number[];
  /** `envoy.lb` metadata of each host. */
  metadata?: readonly Json[];
}

/** A cluster's fields for hosts in groups. */
export function groupedHosts(
  upstreams: readonly RawUpstream[],
  groups: readonly HostGroup[],
  more: Json = {},
  policy?: Json,
): Json {
  let number = 0;
  const endpoints = groups.map(({ hosts, priority = 0, zone, weight, hostWeights, metadata }) => ({
    priority,
    ...(zone && { locality: { region: "here", zone } }),
    ...(weight !== undefined && { load_balancing_weight: weight }),
    lb_endpoints: [...hosts].map((state, i) =>
      endpointOf(upstreams[number++]!.port, {
        health_status: STATES[state as keyof typeof STATES],
        ...(hostWeights && { load_balancing_weight: hostWeights[i] }),
        ...(metadata && { metadata: { filter_metadata: { "envoy.lb": metadata[i] } } }),
      }),
    ),
  }));
  return { load_assignment: { cluster_name: "any", endpoints, ...(policy && { policy }) }, ...more };
}

/** Stats of a behaviour's cluster. */
export async function stats({ proxy }: Section, b: Behaviour, ...names: string[]): Promise<number[]> {
  return Promise.all(names.map((name) => proxy().stat(`cluster.${b.id}.${name}`)));
}
