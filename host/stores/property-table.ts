import { grpcStatusOf } from "./grpc-status";
import type { PropertyScope, StreamScope } from "./properties";
import { bool, bytes, int, type PropertyValue, tree } from "./property-values";
import type { RouteInfo, TlsInfo } from "./stream-info";

/** A row that takes `rest` resolves what is below it by itself; the others are stepped into as plain trees. */
type Row = (scope: PropertyScope, rest: readonly string[]) => PropertyValue | undefined;

const stream =
  (read: (s: StreamScope) => PropertyValue | undefined) =>
  ({ stream: s }: PropertyScope): PropertyValue | undefined =>
    s && read(s);

const request = (name: string) => stream((s) => bytes(s.requestHeaders?.get(name)));

const tls = (read: (t: TlsInfo) => string | undefined) =>
  stream((s) => bytes(s.info.connection.tls && read(s.info.connection.tls)));

const route = (read: (r: RouteInfo) => PropertyValue | undefined) =>
  stream((s) => {
    const found = s.info.route();
    return found && read(found);
  });

const upstream = (read: (s: StreamScope) => PropertyValue | undefined) =>
  stream((s) => (s.info.upstream.address === undefined ? undefined : read(s)));

/** Path without query, cut at the fragment too. */
function urlPath(path: string | undefined): string | undefined {
  return path?.split(/[?#]/, 1)[0];
}

function query(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const at = path.indexOf("?");
  return at < 0 ? "" : path.slice(at + 1).split("#", 1)[0];
}

/** A header by name: several values joined with a comma. The map itself when no name is given. */
function headers(pick: (s: StreamScope) => StreamScope["requestHeaders"]): Row {
  return ({ stream: s }, rest) => {
    if (!s || rest.length > 1) return undefined;
    const map = pick(s);
    if (rest.length === 0) return { kind: "pairs", value: map ?? [] };
    const values = map?.getAll(rest[0]!.toLowerCase()) ?? [];
    return values.length === 0 ? undefined : bytes(values.join(","));
  };
}

function grpcStatus(s: StreamScope): PropertyValue | undefined {
  const text = s.info.responseTrailers?.get("grpc-status") ?? s.info.responseHeaders?.get("grpc-status");
  if (text !== undefined && /^\d{1,10}$/.test(text)) return int(Number(text));
  const code = s.info.responseCode;
  return code === undefined ? undefined : int(grpcStatusOf(code));
}

/** Built-in attributes by path (reference: ABI text, section 5). */
export const PROPERTIES: Readonly<Record<string, Row>> = {
  plugin_name: ({ plugin }) => bytes(Buffer.from(plugin.name)),
  plugin_root_id: ({ plugin }) => bytes(Buffer.from(plugin.rootId)),
  plugin_vm_id: ({ plugin }) => bytes(Buffer.from(plugin.vmId)),
  connection_id: stream((s) => int(s.info.connection.id)),

  "request.path": request(":path"),
  "request.url_path": stream((s) => bytes(urlPath(s.requestHeaders?.get(":path")))),
  "request.query": stream((s) => bytes(query(s.requestHeaders?.get(":path")))),
  "request.host": request(":authority"),
  "request.scheme": request(":scheme"),
  "request.method": request(":method"),
  "request.referer": request("referer"),
  "request.useragent": request("user-agent"),
  "request.id": request("x-request-id"),
  "request.headers": headers((s) => s.requestHeaders),
  "request.protocol": stream((s) => bytes(s.info.protocol)),
  "request.time": stream((s) => int(s.info.startTime)),
  "request.duration": stream((s) =>
    int(s.info.endMonotonic === undefined ? undefined : s.info.endMonotonic - s.info.startMonotonic),
  ),
  "request.headers_bytes": stream((s) => int(s.requestHeaders?.byteSize ?? 0)),
  "request.size": stream((s) => int(contentLength(s) ?? s.info.bytesReceived)),
  "request.total_size": stream((s) => int(s.info.bytesReceived + (s.requestHeaders?.byteSize ?? 0))),

  "response.code": stream((s) => int(s.info.responseCode)),
  "response.code_details": stream((s) => bytes(s.info.responseCodeDetails)),
  "response.flags": stream((s) => int(s.info.responseFlags)),
  "response.headers": headers((s) => s.responseHeaders),
  "response.trailers": headers((s) => s.responseTrailers),
  "response.headers_bytes": stream((s) => int(s.responseHeaders?.byteSize ?? 0)),
  "response.size": stream((s) => int(s.info.bytesSent)),
  "response.total_size": stream((s) =>
    int(s.info.bytesSent + (s.responseHeaders?.byteSize ?? 0) + (s.responseTrailers?.byteSize ?? 0)),
  ),
  "response.grpc_status": stream(grpcStatus),
  "response.backend_latency": stream(({ info }) =>
    int(
      info.upstreamRequestDone === undefined || info.upstreamResponseStart === undefined
        ? undefined
        : info.upstreamResponseStart - info.upstreamRequestDone,
    ),
  ),

  "source.address": stream((s) => bytes(s.info.connection.remoteAddress)),
  "source.port": stream((s) => int(s.info.connection.remotePort)),
  "destination.address": stream((s) => bytes(s.info.connection.localAddress)),
  "destination.port": stream((s) => int(s.info.connection.localPort)),

  "connection.id": stream((s) => int(s.info.connection.id)),
  "connection.mtls": stream((s) => bool(s.info.connection.tls?.mtls ?? false)),
  "connection.peer_certificate_valid": stream((s) =>
    bool(s.info.connection.tls?.peerCertificateValid ?? false),
  ),
  "connection.requested_server_name": stream((s) => bytes(s.info.connection.requestedServerName)),
  "connection.tls_version": tls((t) => t.version),
  "connection.subject_peer_certificate": tls((t) => t.subjectPeer),
  "connection.subject_local_certificate": tls((t) => t.subjectLocal),
  "connection.uri_san_peer_certificate": tls((t) => t.uriSanPeer),
  "connection.uri_san_local_certificate": tls((t) => t.uriSanLocal),
  "connection.dns_san_peer_certificate": tls((t) => t.dnsSanPeer),
  "connection.dns_san_local_certificate": tls((t) => t.dnsSanLocal),
  "connection.sha256_peer_certificate_digest": tls((t) => t.peerDigest),
  "connection.peer_certificate": tls((t) => t.peerCertificate),
  "connection.termination_details": stream((s) => bytes(s.info.connectionTermination)),

  "upstream.address": upstream((s) => bytes(s.info.upstream.address)),
  "upstream.port": upstream((s) => int(s.info.upstream.port)),
  "upstream.local_address": upstream((s) => bytes(s.info.upstream.localAddress)),
  "upstream.transport_failure_reason": stream((s) => bytes(s.info.upstream.transportFailureReason)),
  "upstream.request_attempt_count": stream((s) => int(s.info.upstream.attempts)),
  "upstream.num_endpoints": stream((s) => int(s.info.upstream.endpoints)),

  metadata: stream(() => bytes("")),
  filter_state: ({ stream: s }, rest) =>
    rest.length === 1 ? bytes(s?.info.filterState.get(rest[0]!)) : undefined,

  "xds.node": ({ plugin }) => tree(plugin.node),
  "xds.cluster_name": route((r) => bytes(r.clusterName)),
  "xds.cluster_metadata": route((r) => metadata(r.clusterMetadata)),
  "xds.route_name": route((r) => bytes(r.routeName)),
  "xds.route_metadata": route((r) => metadata(r.routeMetadata)),
  "xds.virtual_host_name": route((r) => bytes(r.virtualHostName)),
  "xds.virtual_host_metadata": route((r) => metadata(r.virtualHostMetadata)),
  "xds.listener_metadata": stream((s) => metadata(s.info.listener.metadata)),
  "xds.listener_direction": stream((s) => int(s.info.listener.direction)),
  "xds.filter_chain_name": stream((s) => bytes(s.info.listener.filterChainName)),
};

function contentLength(s: StreamScope): number | undefined {
  const text = s.requestHeaders?.get("content-length");
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Configured metadata is a message with one field. */
function metadata(value: unknown): PropertyValue | undefined {
  return tree({ filter_metadata: value ?? {} });
}
