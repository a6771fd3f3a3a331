import type { CustomTag, TracingConfig } from "../../config/model";
import { flagNames } from "../../formatter/response-flags";
import type { HeaderMap } from "../../stores/header-map";
import type { Metadata, StreamInfo } from "../../stores/stream-info";
import type { StreamTimes } from "../../stores/stream-times";
import { isGrpc } from "../../stream/local-reply";
import { formatAddress, ipOf } from "../clusters/cluster";
import type { Span } from "./span";

/** Tags of a request's own span, as Envoy writes them. */
export function tagRequest(span: Span, info: StreamInfo, { maxPathLength, customTags }: TracingConfig): void {
  const { tags } = span;
  const { requestHeaders: headers } = info;
  if (headers) tagHeaders(tags, headers, info, maxPathLength);
  tags.set("request_size", String(info.bytesReceived));
  tags.set("response_size", String(info.bytesSent));
  tagOutcome(span, info, info.responseCode ?? 0, info.responseFlags);
  if (isGrpc(headers)) tagGrpcStatus(tags, info.responseTrailers ?? info.responseHeaders);
  for (const tag of customTags) {
    const value = customValue(tag, info) ?? tag.fallback;
    if (value) tags.set(tag.name, value);
  }
}

function tagHeaders(tags: Map<string, string>, headers: HeaderMap, info: StreamInfo, maxPath: number): void {
  const id = headers.get("x-request-id");
  if (id !== undefined) tags.set("guid:x-request-id", id);
  tags.set("http.url", urlOf(headers, maxPath));
  tags.set("http.method", headers.get(":method") ?? "");
  tags.set("downstream_cluster", headers.get("x-envoy-downstream-service-cluster") || "-");
  tags.set("user_agent", headers.get("user-agent") || "-");
  tags.set("http.protocol", info.protocol ?? "");
  tags.set("peer.address", ipOf(info.connection.remoteAddress));
  const clientId = headers.get("x-client-trace-id");
  if (clientId !== undefined) tags.set("guid:x-client-trace-id", clientId);
  if (isGrpc(headers)) tagGrpcRequest(tags, headers);
}

function urlOf(headers: HeaderMap, maxPath: number): string {
  const path = headers.get("x-envoy-original-path") ?? headers.get(":path") ?? "";
  return `${headers.get("x-forwarded-proto") ?? ""}://${headers.get(":authority") ?? ""}${path.slice(0, maxPath)}`;
}

const GRPC_REQUEST = [
  ["grpc.path", ":path"],
  ["grpc.authority", ":authority"],
  ["grpc.content_type", "content-type"],
  ["grpc.timeout", "grpc-timeout"],
] as const;

function tagGrpcRequest(tags: Map<string, string>, headers: HeaderMap): void {
  for (const [tag, name] of GRPC_REQUEST) {
    const value = headers.get(name);
    if (value !== undefined) tags.set(tag, value);
  }
}

/** Statuses of gRPC that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const SERVER_FAULTS = new Set(["2", "4", "12", "13", "14", "15"]);

function tagGrpcStatus(tags: Map<string, string>, from: HeaderMap | undefined): void {
  const status = from?.get("grpc-status");
  if (status === undefined) return;
  tags.set("grpc.status_code", status);
  const text = from?.get("grpc-message");
  if (text !== undefined) tags.set("grpc.message", text);
  if (SERVER_FAULTS.has(status)) tags.set("error", "true");
}

/** What all spans have: where the request went and how that ended. */
export function tagOutcome({ tags }: Span, info: StreamInfo, status: number, flags: number): void {
  const route = info.route();
  tags.set("component", "proxy");
  if (route?.clusterName !== undefined) {
    tags.set("upstream_cluster", route.clusterName);
    tags.set("upstream_cluster.name", route.clusterStatName ?? route.clusterName);
  }
  tags.set("http.status_code", String(status));
  tags.set("response_flags", flagNames({ responseFlags: flags }, "short"));
  if (status === 0 || status >= 500) tags.set("error", "true");
}

/** An attempt at a host. */
export function tagAttempt({ tags }: Span, info: StreamInfo, protocol: string): void {
  const { address, port } = info.upstream;
  const host = address === undefined ? "" : address || formatAddress("", port ?? 0);
  tags.set("http.protocol", protocol);
  tags.set("upstream_address", host);
  tags.set("peer.address", host);
}

function customValue({ from }: CustomTag, info: StreamInfo): string | undefined {
  if (from.kind === "literal") return from.value;
  if (from.kind === "environment") return process.env[from.name];
  if (from.kind === "header") return info.requestHeaders?.get(from.name);
  return textOf(metadataOf(from.of, info)?.[from.key], from.path);
}

function metadataOf(of: "request" | "route" | "cluster" | "host", info: StreamInfo): Metadata | undefined {
  if (of === "route") return info.route()?.routeMetadata;
  if (of === "cluster") return info.route()?.clusterMetadata;
  // Dynamic metadata is what filters of Envoy's own leave behind.
  return of === "host" ? info.upstream.metadata : undefined;
}

function textOf(value: unknown, path: readonly string[]): string | undefined {
  let found = value;
  for (const key of path) found = (found as Record<string, unknown> | undefined)?.[key];
  if (typeof found === "string") return found;
  return found === undefined ? undefined : JSON.stringify(found);
}

/** Points in time of a verbose span. */
const POINTS: readonly (readonly [string, keyof StreamTimes])[] = [
  ["last_downstream_rx_byte_received", "requestEnd"],
  ["first_upstream_tx_byte_sent", "upstreamSendBegin"],
  ["last_upstream_tx_byte_sent", "upstreamSendEnd"],
  ["first_upstream_rx_byte_received", "upstreamReceiveBegin"],
  ["last_upstream_rx_byte_received", "upstreamReceiveEnd"],
  ["first_downstream_tx_byte_sent", "responseBegin"],
  ["last_downstream_tx_byte_sent", "responseEnd"],
];

export function annotateTimes(span: Span, times: StreamTimes): void {
  for (const [value, point] of POINTS)
    if (times[point] > 0)
      span.annotations.push({
        timestamp: span.start + Math.round((times[point] - times.begin) * 1000),
        value,
      });
}
