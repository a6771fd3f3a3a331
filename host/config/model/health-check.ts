import type { HeaderMutation, Http2Config, StringMatch } from "./common";

/** A half-open range of statuses. */
export interface StatusRange {
  start: number;
  end: number;
}

export interface HttpProbeConfig {
  kind: "http";
  /** Undefined = HTTP/1.1. */
  http2: Http2Config | undefined;
  method: string;
  path: string;
  /** `:authority`; empty = the cluster's name. */
  host: string;
  mutation: HeaderMutation;
  expected: StatusRange[];
  /** Statuses that count towards the threshold; others that are not expected fail the host at once. */
  retriable: StatusRange[];
  /** What `x-envoy-upstream-healthchecked-cluster` of the answer has to be. */
  serviceName: StringMatch | undefined;
  /** Parts of the body, in order. */
  receive: Buffer[];
  /** Bytes of the body that are looked through; 0 = all. */
  bodyLimit: number;
}

export interface TcpProbeConfig {
  kind: "tcp";
  send: Buffer;
  /** Parts that have to come, in order; none = a connection is enough. */
  receive: Buffer[];
}

export interface GrpcProbeConfig {
  kind: "grpc";
  http2: Http2Config | undefined;
  serviceName: string;
  authority: string;
  metadata: HeaderMutation;
}

/** `HealthCheck` with Envoy's defaults filled in; times in milliseconds. */
export interface HealthCheckConfig {
  probe: HttpProbeConfig | TcpProbeConfig | GrpcProbeConfig;
  timeoutMs: number;
  /** Until the next check: of healthy hosts, of those about to become unhealthy; of unhealthy ones, and about to be healthy. */
  intervals: {
    healthy: number;
    healthyEdge: number;
    unhealthy: number;
    unhealthyEdge: number;
    /** While the cluster has never had a connection: of all hosts, of healthy ones. */
    noTraffic: number;
    noTrafficHealthy: number;
  };
  initialJitterMs: number;
  jitterMs: number;
  jitterPercent: number;
  unhealthyThreshold: number;
  healthyThreshold: number;
  reuseConnection: boolean;
  events: HealthEventsConfig;
}

/** Where changes of health are written, one JSON document a line. */
export interface HealthEventsConfig {
  files: string[];
  alwaysFailures: boolean;
  alwaysSuccess: boolean;
}

/** `Endpoint.HealthCheckConfig`: where and how one endpoint is checked. */
export interface EndpointCheckConfig {
  /** 0 = the endpoint's own. */
  port: number;
  /** `:authority`; empty = the check's. */
  hostname: string;
  disabled: boolean;
}

/** What follows from a host's health, or from its coming and going. */
export interface HostHealthConfig {
  /** New hosts do not count at all until they were checked once. */
  ignoreNewHosts: boolean;
  /** Hosts that are no longer named go at once; otherwise when they fail a check. */
  ignoreHealthOnRemoval: boolean;
  /** TCP connections to a host that fails are closed. */
  closeOnFailure: boolean;
  /** When hosts come or go, connections to all of them serve out their requests and no more. */
  renewOnChange: boolean;
}
