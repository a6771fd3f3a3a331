import type { FilterState } from "./filter-state";
import type { HeaderMap } from "./header-map";
import type { ByteCounts, StreamTimes } from "./stream-times";
import type { TlsInfo } from "./tls-info";

export type { TlsInfo } from "./tls-info";

/** Response flag bits as the `response.flags` property shows them. */
export enum ResponseFlag {
  LocalHealthFail = 1 << 0,
  NoHealthyUpstream = 1 << 1,
  UpstreamRequestTimeout = 1 << 2,
  LocalReset = 1 << 3,
  UpstreamRemoteReset = 1 << 4,
  UpstreamConnectionFailure = 1 << 5,
  UpstreamConnectionTermination = 1 << 6,
  UpstreamOverflow = 1 << 7,
  NoRouteFound = 1 << 8,
  DownstreamConnectionTermination = 1 << 14,
  UpstreamRetryLimitExceeded = 1 << 15,
  StreamIdleTimeout = 1 << 16,
  DownstreamProtocolError = 1 << 18,
  UpstreamMaxStreamDurationReached = 1 << 19,
  DurationTimeout = 1 << 22,
  UpstreamProtocolError = 1 << 23,
  NoClusterFound = 1 << 24,
  DownstreamRemoteReset = 1 << 28,
}

/** A metadata block of the configuration: namespace -> Struct as plain JSON. */
export type Metadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** One client connection. Addresses are `ip:port` text as Envoy prints them (`[::1]:80` for IPv6). */
export interface ConnectionInfo {
  /** Unique in the process, counts from 0 as in Envoy. */
  id: number;
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  requestedServerName: string;
  /** Present on TLS connections only. */
  tls: TlsInfo | undefined;
  /** Values that outlive a stream. */
  readonly filterState: FilterState;
  /** How it ended, once it has. */
  closeType?: "Normal" | "LocalReset" | "RemoteReset" | undefined;
}

/** The host a request went to. */
export interface UpstreamInfo {
  address: string | undefined;
  port: number | undefined;
  /** Known once a connection is there. */
  localAddress: string | undefined;
  attempts: number;
  /** Why there is no connection; "" when there is one. HTTP knows it with the host, TCP from the start. */
  transportFailureReason: string | undefined;
  /** From asking for a connection until there was one, or none to be had; nanoseconds. */
  poolReadyDuration: bigint | undefined;
  locality: { readonly region: string; readonly zone: string; readonly subZone: string };
  metadata: Metadata | undefined;
  localityMetadata: Metadata | undefined;
  tls: TlsInfo | undefined;
  /** Name of the host in the configuration or DNS; "" = it has none. */
  hostname?: string;
  /** As the property `request.protocol`. */
  protocol?: string;
  /** The other end of the connection. */
  remoteAddress?: string;
  connectionId?: number;
  /** Every host and connection that was tried; kept only where a format asks for them. */
  attempted?: { readonly address: string; readonly hostname: string }[];
  connectionIds?: number[];
}

const NOWHERE = { region: "", zone: "", subZone: "" };

/** The facts of a host before one is chosen. */
export function unknownUpstream(): UpstreamInfo {
  return {
    address: undefined,
    port: undefined,
    localAddress: undefined,
    attempts: 0,
    transportFailureReason: undefined,
    poolReadyDuration: undefined,
    locality: NOWHERE,
    metadata: undefined,
    localityMetadata: undefined,
    tls: undefined,
  };
}

/** Where a request is to go, as properties show it: the virtual host, and the route when one matched. */
export interface RouteInfo {
  routeName: string | undefined;
  routeMetadata: Metadata | undefined;
  /** Undefined for plain TCP, which has no virtual hosts. */
  virtualHostName: string | undefined;
  virtualHostMetadata: Metadata | undefined;
  clusterName: string | undefined;
  clusterMetadata: Metadata | undefined;
  /** Hosts the cluster has. */
  clusterEndpoints: number | undefined;
  /** The cluster's `alt_stat_name`, or its name. */
  clusterStatName?: string | undefined;
}

/** Facts of one stream that filters read as properties and loggers print. Times are nanoseconds. */
export interface StreamInfo {
  readonly connection: ConnectionInfo;
  /** Who the stream comes from: the connection's other end, or whom trusted headers name in its place (port 0). */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly listener: {
    direction: number;
    metadata: Metadata | undefined;
    filterChainName: string;
    name?: string;
  };
  /** `HTTP/1.1`, `HTTP/2`, ...; undefined for plain TCP. */
  protocol: string | undefined;
  startTime: bigint;
  startMonotonic: bigint;
  /** Monotonic; undefined until the stream is complete. */
  endMonotonic: bigint | undefined;
  /** The live or last seen maps; the chain keeps them current. */
  requestHeaders: HeaderMap | undefined;
  responseHeaders: HeaderMap | undefined;
  responseTrailers: HeaderMap | undefined;
  responseCode: number | undefined;
  responseCodeDetails: string | undefined;
  responseFlags: number;
  /** The flags in the order in which they were set, where there are several. */
  readonly flagOrder?: readonly number[] | undefined;
  /** Body bytes. */
  bytesReceived: number;
  bytesSent: number;
  /** First byte to the host and last byte from it, monotonic. */
  upstreamRequestStart: bigint | undefined;
  upstreamResponseEnd: bigint | undefined;
  connectionTermination: string | undefined;
  readonly upstream: UpstreamInfo;
  /** Computed at first use, cached until the route cache is cleared; undefined when no virtual host fits. */
  route(): RouteInfo | undefined;
  /** What filters have set, for the others of the stream to read. */
  readonly filterState: FilterState;
  /** How often the route was looked up. */
  readonly routeLookups?: number;
  /** Of plain TCP; HTTP's streams have their request id. */
  readonly streamId?: string;
  /** Of the span, where there is tracing. */
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
  /** Somebody in the mesh has asked for the stream to be traced. */
  readonly traced?: boolean | undefined;
  /** Undefined where no format asks for them. */
  readonly times?: StreamTimes | undefined;
  readonly downstreamBytes?: ByteCounts | undefined;
  readonly upstreamBytes?: ByteCounts | undefined;
}
