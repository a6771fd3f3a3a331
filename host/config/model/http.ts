import type { AccessLogConfig, AccessLogOptions } from "./access-log";
import type { DownstreamCodecConfig } from "./codec";
import type { HeaderMutation, Http2Config } from "./common";
import type { FilterConfigs } from "./cors";
import type { EdgeConfig } from "./edge";
import type { LocalReplyConfig } from "./local-reply";
import type { OwnHealthConfig } from "./own-health";
import type { VirtualHostConfig } from "./route";
import type { ManagerTimeouts } from "./timeouts";
import type { TracingConfig } from "./tracing";
import type { ManagerUpgrade } from "./upgrade";
import type { WasmPluginConfig } from "./wasm";

export interface HttpConnectionManagerConfig {
  statPrefix: string;
  codecType: "AUTO" | "HTTP1" | "HTTP2";
  http2: Http2Config;
  codec: DownstreamCodecConfig;
  clientCert: ClientCertHeaderConfig;
  edge: EdgeConfig;
  timeouts: ManagerTimeouts;
  /** `server_name`, default `envoy`. */
  serverName: string;
  routeConfigName: string;
  virtualHosts: VirtualHostConfig[];
  /** Virtual hosts are found without the port of a request's host. */
  ignorePortInHostMatching: boolean;
  httpFilters: HttpFilterConfig[];
  /** `access_log` */
  accessLogs: AccessLogConfig[];
  accessLogOptions: AccessLogOptions;
  /** Undefined: nothing is traced. */
  tracing: TracingConfig | undefined;
  localReply: LocalReplyConfig | undefined;
  upgrades: ManagerUpgrade[];
  filterConfigs: FilterConfigs;
  requestHeaderMutation: HeaderMutation;
  responseHeaderMutation: HeaderMutation;
}

export type HttpFilterConfig =
  | { kind: "wasm"; name: string; plugin: WasmPluginConfig }
  | { kind: "cors"; name: string }
  | { kind: "own health"; name: string; health: OwnHealthConfig }
  | { kind: "router"; name: string; suppressEnvoyHeaders: boolean; respectExpectedTimeout: boolean };

/** `forward_client_cert_details` and `set_current_client_cert_details`: what becomes of `x-forwarded-client-cert`. */
export interface ClientCertHeaderConfig {
  mode: "SANITIZE" | "FORWARD_ONLY" | "APPEND_FORWARD" | "SANITIZE_SET" | "ALWAYS_FORWARD_ONLY";
  /** What is told besides who was spoken to and the certificate's digest. */
  details: { subject: boolean; cert: boolean; dns: boolean; uri: boolean };
}
