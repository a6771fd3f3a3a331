import type { Metadata } from "../../stores/stream-info";
import type { AccessLogConfig, AccessLogOptions } from "./access-log";
import type { AddressConfig, Cidr } from "./common";
import type { HttpConnectionManagerConfig } from "./http";
import type { DownstreamTlsConfig } from "./tls";
import type { WasmPluginConfig } from "./wasm";

/** A filter chain with what its listener says, told apart by the chain's terminal filter. */
export type ListenerConfig = HttpListenerConfig | TcpListenerConfig;

interface ListenerBase {
  /** Which of the file's listeners it belongs to; chains of one follow one another. */
  index: number;
  /** Which connections are the chain's; undefined = those that no other chain of the listener takes. */
  match: FilterChainMatch | undefined;
  /** What looks at connections before a chain is chosen. */
  inspection: InspectionConfig;
  /** The `envoy.filters.network.wasm` filters in front of the terminal filter, in chain order. */
  networkFilters: NetworkFilterConfig[];
  name: string;
  /** What stands in stats for the address; "" = the address. */
  statPrefix: string;
  address: AddressConfig;
  /** 0 unspecified, 1 inbound, 2 outbound. */
  trafficDirection: number;
  metadata: Metadata | undefined;
  perConnectionBufferLimitBytes: number;
  filterChainName: string;
  /** TLS with clients; undefined = plain. */
  tls: DownstreamTlsConfig | undefined;
  /** Milliseconds a handshake may take; 0 = any time. */
  handshakeTimeoutMs: number;
}

export interface HttpListenerConfig extends ListenerBase {
  kind: "http";
  http: HttpConnectionManagerConfig;
}

export interface TcpListenerConfig extends ListenerBase {
  kind: "tcp";
  tcp: TcpProxyConfig;
}

/** The listener filters of a listener. */
export interface InspectionConfig {
  /** Clients' first bytes are looked at for TLS. */
  tls: boolean;
  /** Milliseconds they may take; 0 = any time. */
  timeoutMs: number;
  /** A client that takes longer is served as one of plain bytes. */
  continueOnTimeout: boolean;
}

/** `FilterChainMatch`; what is empty fits every connection. */
export interface FilterChainMatch {
  destinationPort: number | undefined;
  destinations: Cidr[];
  /** `*.example.com` = every name below. */
  serverNames: string[];
  transportProtocol: "" | "tls" | "raw_buffer";
  applicationProtocols: string[];
  directSources: Cidr[];
  sourceType: "ANY" | "SAME_IP_OR_LOOPBACK" | "EXTERNAL";
  sources: Cidr[];
  sourcePorts: number[];
}

export interface NetworkFilterConfig {
  name: string;
  plugin: WasmPluginConfig;
}

export interface TcpProxyConfig {
  statPrefix: string;
  /** At least one; a connection goes to one of them by weight. */
  clusters: TcpCluster[];
  /** `metadata_match`: fields of `envoy.lb` that the host has to have. */
  match: Readonly<Record<string, unknown>> | undefined;
  /** Clients of one address go to one host, where the cluster's policy hashes. */
  hashSourceIp: boolean;
  accessLogs: AccessLogConfig[];
  accessLogOptions: AccessLogOptions;
  /** Milliseconds without a byte either way before the connection ends; 0 = never; default an hour. */
  idleTimeoutMs: number;
  /** Connections tried for one client before it is given up; default 1. */
  maxConnectAttempts: number;
  /** Milliseconds a client's connection may last; 0 = any time. */
  maxDurationMs: number;
}

export interface TcpCluster {
  cluster: string;
  weight: number;
  /** On top of the proxy's own. */
  match: Readonly<Record<string, unknown>> | undefined;
}
