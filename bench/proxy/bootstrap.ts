import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { CLUSTER_HTTP2, CLUSTER_TRAILERS, type Json, socketAddress } from "../../test/support/bootstrap";

/** What the file of a proxy says. */
export interface ProxyFile {
  upstream: number;
  /** The upstream speaks HTTP/2. */
  http2: boolean;
  /** fault, authz and metrics as in examples/sidecar. */
  filters: boolean;
}

/** Writes examples/sidecar/envoy.yaml with ports of this run, its filters left out or not; answers the path. */
export function writeBootstrap({ upstream, http2, filters }: ProxyFile): string {
  const file = parse(readFileSync("examples/sidecar/envoy.yaml", "utf8"));
  file.admin.address = socketAddress(0);
  const [listener] = file.static_resources.listeners;
  listener.address = socketAddress(0);
  const manager = listener.filter_chains[0].filters[0].typed_config;
  if (!filters) manager.http_filters = manager.http_filters.filter(({ name }: Json) => name === "router");
  manager.http_protocol_options = { enable_trailers: true };
  const [cluster] = file.static_resources.clusters;
  Object.assign(cluster, http2 ? CLUSTER_HTTP2 : CLUSTER_TRAILERS);
  cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address = socketAddress(upstream);
  const path = join(mkdtempSync(join(tmpdir(), "bench-proxy-")), "envoy.json");
  writeFileSync(path, JSON.stringify(file));
  return path;
}
