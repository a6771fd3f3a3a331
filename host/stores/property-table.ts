import { grpcStatusOf } from "./grpc-status";
import type { PropertyScope, StreamScope } from "./properties";
import {
  bool,
  duration,
  int,
  message,
  NULL,
  type PropertyValue,
  text,
  timestamp,
  tree,
  uint,
} from "./property-values";
import { Locality, Metadata, Node } from "./protobuf/core";
import type { Metadata as MetadataConfig, RouteInfo, TlsInfo, UpstreamInfo } from "./stream-info";

type Row = (scope: PropertyScope) => PropertyValue | undefined;
type Rows = Readonly<Record<string, Row>>;

const stream =
  (read: (s: StreamScope) => PropertyValue | undefined): Row =>
  ({ stream: s }) =>
    s && read(s);

const request = (name: string) => stream((s) => text(s.requestHeaders?.get(name)));

const route = (read: (r: RouteInfo) => PropertyValue | undefined) =>
  stream((s) => {
    const found = s.info.route();
    return found && read(found);
  });

/** Facts of the chosen host. */
const upstream = (read: (u: UpstreamInfo) => PropertyValue | undefined) =>
  stream(({ info: { upstream: u } }) => (u.address === undefined ? undefined : read(u)));

/** Text from the configuration is UTF-8. */
const configured = (value: string | undefined) => (value === undefined ? undefined : tree(value));

/** Configured metadata; that of a route, host or listener without any is an empty message. */
const metadata = (value: MetadataConfig | undefined) => message(Metadata, { filterMetadata: value ?? {} });

function urlPath(path: string | undefined): string | undefined {
  return path?.split("?", 1)[0];
}

function query(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const at = path.indexOf("?");
  return at < 0 ? "" : path.slice(at + 1).split("#", 1)[0];
}

/** A header by name: several values joined with a comma. */
const headers = (pick: (s: StreamScope) => StreamScope["requestHeaders"]) =>
  stream((s) => {
    const map = pick(s);
    return {
      kind: "map",
      entries: () => map ?? [],
      get(key) {
        const name = key.toLowerCase();
        const values = map?.getAll(map.kind === "request" && name === "host" ? ":authority" : name) ?? [];
        return values.length === 0 ? undefined : text(values.join(","));
      },
    };
  });

/** UNAUTHENTICATED, the last one there is. */
const MAX_GRPC_STATUS = 16;

function grpcStatus(s: StreamScope): PropertyValue | undefined {
  const status = s.responseTrailers?.get("grpc-status") || s.responseHeaders?.get("grpc-status");
  // What is no status of gRPC is -1.
  if (status) return int(/^\d{1,2}$/.test(status) && Number(status) <= MAX_GRPC_STATUS ? Number(status) : -1);
  const code = s.info.responseCode;
  return code === undefined ? undefined : int(grpcStatusOf(code));
}

function requestSize({ requestHeaders, info }: StreamScope): PropertyValue | undefined {
  const declared = requestHeaders?.get("content-length");
  if (declared === undefined) return int(info.bytesReceived);
  return /^\d{1,18}$/.test(declared) ? int(BigInt(declared)) : undefined;
}

/** What one TLS connection tells; empty on plain ones. */
function tls(pick: (s: StreamScope) => TlsInfo | undefined): Rows {
  const row = (read: (t: TlsInfo) => string | undefined) =>
    stream((s) => {
      const info = pick(s);
      return info && text(read(info));
    });
  return {
    tls_version: row((t) => t.version),
    subject_peer_certificate: row((t) => t.subjectPeer),
    subject_local_certificate: row((t) => t.subjectLocal),
    uri_san_peer_certificate: row((t) => t.uriSanPeer),
    uri_san_local_certificate: row((t) => t.uriSanLocal),
    dns_san_peer_certificate: row((t) => t.dnsSanPeer),
    dns_san_local_certificate: row((t) => t.dnsSanLocal),
    sha256_peer_certificate_digest: row((t) => t.peerDigest),
    peer_certificate: row((t) => t.peerCertificate),
  };
}

/** Built-in attributes (reference: ABI text, section 5): by name, or by namespace and name. */
export const PROPERTIES: Readonly<Record<string, Row | Rows>> = {
  plugin_name: ({ plugin }) => tree(plugin.name),
  plugin_root_id: ({ plugin }) => tree(plugin.rootId),
  plugin_vm_id: ({ plugin }) => tree(plugin.vmId),
  connection_id: stream((s) => uint(s.info.connection.id)),

  request: {
    path: request(":path"),
    url_path: stream((s) => text(urlPath(s.requestHeaders?.get(":path")))),
    query: stream((s) => text(query(s.requestHeaders?.get(":path")))),
    host: request(":authority"),
    scheme: request(":scheme"),
    method: request(":method"),
    referer: request("referer"),
    useragent: request("user-agent"),
    id: request("x-request-id"),
    headers: headers((s) => s.requestHeaders),
    protocol: stream((s) => text(s.info.protocol)),
    time: stream((s) => timestamp(s.info.startTime)),
    duration: stream(({ info: { startMonotonic, endMonotonic } }) =>
      duration(endMonotonic === undefined ? undefined : endMonotonic - startMonotonic),
    ),
    headers_bytes: stream((s) => int(s.requestHeaders?.byteSize ?? 0)),
    size: stream(requestSize),
    total_size: stream((s) => int(s.info.bytesReceived + (s.requestHeaders?.byteSize ?? 0))),
  },

  response: {
    code: stream((s) => int(s.info.responseCode)),
    code_details: stream((s) => text(s.info.responseCodeDetails)),
    flags: stream((s) => int(s.info.responseFlags)),
    headers: headers((s) => s.responseHeaders),
    trailers: headers((s) => s.responseTrailers),
    headers_bytes: stream((s) => int(s.responseHeaders?.byteSize ?? 0)),
    size: stream((s) => int(s.info.bytesSent)),
    total_size: stream((s) =>
      int(s.info.bytesSent + (s.responseHeaders?.byteSize ?? 0) + (s.responseTrailers?.byteSize ?? 0)),
    ),
    grpc_status: stream(grpcStatus),
    backend_latency: stream(({ info: { upstreamRequestStart: from, upstreamResponseEnd: to } }) =>
      duration(from === undefined || to === undefined ? undefined : to - from),
    ),
  },

  source: {
    address: stream((s) => text(s.info.remoteAddress)),
    port: stream((s) => int(s.info.remotePort)),
  },
  destination: {
    address: stream((s) => text(s.info.connection.localAddress)),
    port: stream((s) => int(s.info.connection.localPort)),
  },

  connection: {
    id: stream((s) => uint(s.info.connection.id)),
    mtls: stream((s) => bool(s.info.connection.tls?.mtls ?? false)),
    peer_certificate_valid: stream((s) => bool(s.info.connection.tls?.peerCertificateValid ?? false)),
    requested_server_name: stream((s) => text(s.info.connection.requestedServerName)),
    termination_details: stream((s) => text(s.info.connectionTermination)),
    transport_failure_reason: stream((s) => text(s.info.connection.tls?.failureReason)),
    ...tls((s) => s.info.connection.tls),
  },

  upstream: {
    address: upstream((u) => text(u.address)),
    port: upstream((u) => int(u.port)),
    local_address: upstream((u) => text(u.localAddress)),
    locality: upstream((u) => message(Locality, u.locality)),
    transport_failure_reason: stream((s) => text(s.info.upstream.transportFailureReason)),
    cx_pool_ready_duration: upstream((u) => duration(u.poolReadyDuration)),
    request_attempt_count: stream((s) => uint(s.info.upstream.attempts)),
    num_endpoints: route((r) => uint(r.clusterEndpoints)),
    server_name: stream((s) => text(s.info.upstream.tls?.serverName)),
    ...tls((s) => s.info.upstream.tls),
  },

  // Only filters that this proxy does not have write dynamic metadata.
  metadata: stream(() => metadata(undefined)),
  filter_state: stream((s) => ({ kind: "map", get: (key) => s.info.filterState.get(key) })),
  upstream_filter_state: upstream((u) =>
    u.localAddress === undefined ? undefined : { kind: "map", get: () => undefined },
  ),

  xds: {
    node: ({ plugin }) => message(Node, plugin.node),
    cluster_name: route((r) => configured(r.clusterName)),
    cluster_metadata: route((r) => (r.clusterName === undefined ? undefined : metadata(r.clusterMetadata))),
    route_name: route((r) => configured(r.routeName)),
    route_metadata: route((r) => (r.routeName === undefined ? undefined : metadata(r.routeMetadata))),
    virtual_host_name: route((r) => configured(r.virtualHostName)),
    virtual_host_metadata: route((r) =>
      r.virtualHostName === undefined ? undefined : metadata(r.virtualHostMetadata),
    ),
    listener_metadata: stream((s) => metadata(s.info.listener.metadata)),
    listener_direction: stream((s) => int(s.info.listener.direction)),
    filter_chain_name: stream((s) => configured(s.info.listener.filterChainName)),
    upstream_host_metadata: upstream((u) => (u.metadata ? metadata(u.metadata) : NULL)),
    upstream_host_locality_metadata: upstream((u) =>
      u.localityMetadata ? metadata(u.localityMetadata) : NULL,
    ),
  },
};
