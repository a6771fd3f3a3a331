import { isIP } from "node:net";
import type { ConfigIssue } from "../errors";
import { chainsOf } from "./chains";
import { matchRules } from "./match-rules";
import { type FieldPath, formatPath } from "./path";
import type {
  CheckedParts,
  RawBootstrap,
  RawCluster,
  RawFilterChain,
  RawListener,
  RawManager,
} from "./schema/bootstrap";
import { HTTP_OPTIONS_KEY } from "./schema/cluster";
import type { RawMatch } from "./schema/filter-chain";
import { locate, type Source } from "./yaml";

type Report = (path: FieldPath, message: string) => void;

/** Rules that span several fields, as Envoy checks them when it loads a file. */
export function checkBootstrap(raw: CheckedParts, source: Source): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const report: Report = (path, message) =>
    issues.push({ position: locate(source, path, "value"), path: formatPath(path), message });
  const clusters = raw.static_resources?.clusters ?? [];
  const names = new Set<string>();
  for (const [i, cluster] of clusters.entries()) {
    if (!cluster) continue;
    const path = ["static_resources", "clusters", i];
    if (names.has(cluster.name)) report([...path, "name"], `another cluster is called "${cluster.name}" too`);
    names.add(cluster.name);
    if ("broken" in cluster) continue;
    if ((cluster.type ?? "STATIC") === "STATIC") checkAddresses(cluster, path, report);
    checkHealthChecks(cluster, path, report);
    if (cluster.type === "LOGICAL_DNS") checkSingleEndpoint(cluster, path, report);
  }
  if (raw.admin) checkBindAddress(raw.admin.address, ["admin", "address"], report);
  for (const [i, listener] of (raw.static_resources?.listeners ?? []).entries()) {
    if (!listener) continue;
    checkBindAddress(listener.address, ["static_resources", "listeners", i, "address"], report);
    checkListener(listener, ["static_resources", "listeners", i], names, report);
  }
  return issues;
}

/** Proxies listen on addresses, not on names. */
function checkBindAddress(
  address: NonNullable<RawBootstrap["admin"]>["address"],
  path: FieldPath,
  report: Report,
): void {
  const text = address.socket_address.address;
  if (isIP(text) === 0)
    report(
      [...path, "socket_address", "address"],
      `"${text}" is no IP address to listen on (127.0.0.1, 0.0.0.0, ::)`,
    );
}

/** gRPC is HTTP/2. */
function checkHealthChecks(cluster: RawCluster, path: FieldPath, report: Report): void {
  if (!cluster.health_checks?.[0]?.grpc_health_check || speaksHttp2(cluster)) return;
  report(
    [...path, "health_checks", 0, "grpc_health_check"],
    "a gRPC health check needs a cluster with HTTP/2",
  );
}

function speaksHttp2(cluster: RawCluster): boolean {
  const explicit = cluster.typed_extension_protocol_options?.[HTTP_OPTIONS_KEY]?.explicit_http_config;
  return (explicit ?? cluster).http2_protocol_options !== undefined;
}

/** A logical host is one name. */
function checkSingleEndpoint(cluster: RawCluster, path: FieldPath, report: Report): void {
  const groups = cluster.load_assignment?.endpoints ?? [];
  if (groups.length === 1 && groups[0]!.lb_endpoints?.length === 1) return;
  report([...path, "load_assignment"], "a LOGICAL_DNS cluster needs exactly one endpoint");
}

function checkAddresses(cluster: RawCluster, path: FieldPath, report: Report): void {
  for (const [g, group] of (cluster.load_assignment?.endpoints ?? []).entries()) {
    for (const [e, { endpoint }] of (group.lb_endpoints ?? []).entries()) {
      const { address } = endpoint.address.socket_address;
      if (isIP(address) !== 0) continue;
      const at = [
        "load_assignment",
        "endpoints",
        g,
        "lb_endpoints",
        e,
        "endpoint",
        "address",
        "socket_address",
        "address",
      ];
      report(
        [...path, ...at],
        `"${address}" is no IP address; a STATIC cluster takes only those (STRICT_DNS resolves names)`,
      );
    }
  }
}

function checkListener(
  listener: RawListener,
  path: FieldPath,
  clusters: ReadonlySet<string>,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const { chain, at, isDefault } of chainsOf(listener, path)) {
    if (!isDefault) checkMatch(chain.filter_chain_match ?? {}, at, seen, report);
    checkChain(chain, at, clusters, report);
  }
}

/** No connection may be two chains'. */
function checkMatch(match: RawMatch, at: FieldPath, seen: Set<string>, report: Report): void {
  const rules = matchRules(match);
  if (rules.some((rule) => seen.has(rule)))
    report([...at, "filter_chain_match"], "another filter chain of this listener matches the same");
  for (const rule of rules) seen.add(rule);
}

function checkChain(
  { filters: networkFilters }: RawFilterChain,
  path: FieldPath,
  clusters: ReadonlySet<string>,
  report: Report,
): void {
  const last = networkFilters.length - 1;
  const manager = networkFilters[last]!.typed_config;
  // Envoy looks for a TCP proxy's cluster only when a connection comes.
  if (!("route_config" in manager)) return;
  const at = [...path, "filters", last, "typed_config"];
  checkHttpFilters(manager.http_filters ?? [], [...at, "http_filters"], report);
  for (const [i, upgrade] of (manager.upgrade_configs ?? []).entries())
    checkHttpFilters(upgrade.filters ?? [], [...at, "upgrade_configs", i, "filters"], report);
  checkCollector(
    manager.tracing?.provider?.typed_config,
    [...at, "tracing", "provider", "typed_config"],
    clusters,
    report,
  );
  const domains = new Set<string>();
  const { route_config: routes } = manager;
  for (const [h, host] of (routes.virtual_hosts ?? []).entries()) {
    const hostPath = [...at, "route_config", "virtual_hosts", h];
    for (const [d, domain] of host.domains.entries()) {
      if (domains.has(domain.toLowerCase()))
        report([...hostPath, "domains", d], `the domain "${domain}" stands in two virtual hosts`);
      domains.add(domain.toLowerCase());
    }
    for (const [r, route] of (host.routes ?? []).entries()) {
      const routePath = [...hostPath, "routes", r];
      // Envoy checks clusters of static routes unless told not to.
      if (routes.validate_clusters === false) continue;
      for (const { name, at } of namedClusters(route.route ?? {}))
        if (!clusters.has(name)) report([...routePath, "route", ...at], `unknown cluster "${name}"`);
    }
  }
}

/** Spans need somewhere to go. */
function checkCollector(
  provider: NonNullable<NonNullable<RawManager["tracing"]>["provider"]>["typed_config"] | undefined,
  path: FieldPath,
  clusters: ReadonlySet<string>,
  report: Report,
): void {
  if (!provider) return;
  const [name, at] =
    "http_service" in provider
      ? [provider.http_service.http_uri.cluster, ["http_service", "http_uri", "cluster"]]
      : [provider.collector_cluster, ["collector_cluster"]];
  if (!clusters.has(name)) report([...path, ...at], `unknown cluster "${name}"`);
}

function checkHttpFilters(
  filters: readonly { typed_config: { "@type": string } }[],
  path: FieldPath,
  report: Report,
): void {
  for (const [i, filter] of filters.entries()) {
    const router = filter.typed_config["@type"].endsWith(".router.v3.Router");
    if (router !== (i === filters.length - 1))
      report(
        [...path, i],
        router ? "the router must be the last filter" : "the last filter must be the router",
      );
  }
}

interface NamesClusters {
  cluster?: string | undefined;
  weighted_clusters?: { clusters: readonly { name: string }[] } | undefined;
  request_mirror_policies?: readonly { cluster: string }[] | undefined;
}

/** Every cluster a route action names, and where. */
function namedClusters(route: NamesClusters): { name: string; at: FieldPath }[] {
  const { cluster, weighted_clusters: weighted, request_mirror_policies: mirrors = [] } = route;
  return [
    ...(cluster === undefined ? [] : [{ name: cluster, at: ["cluster"] }]),
    ...(weighted?.clusters ?? []).map(({ name }, i) => ({
      name,
      at: ["weighted_clusters", "clusters", i, "name"],
    })),
    ...mirrors.map((mirror, i) => ({ name: mirror.cluster, at: ["request_mirror_policies", i, "cluster"] })),
  ];
}
