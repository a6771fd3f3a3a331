/** `AccessLogType`: what an entry is written for. Names at their numbers. */
export const LOG_TYPES = {
  0: "NotSet",
  1: "TcpUpstreamConnected",
  2: "TcpPeriodic",
  3: "TcpConnectionEnd",
  4: "DownstreamStart",
  5: "DownstreamPeriodic",
  6: "DownstreamEnd",
  7: "UpstreamPoolReady",
  8: "UpstreamPeriodic",
  9: "UpstreamEnd",
  10: "DownstreamTunnelSuccessfullyEstablished",
  11: "UdpTunnelUpstreamConnected",
  12: "UdpPeriodic",
  13: "UdpSessionEnd",
} as const;
export type LogType = (typeof LOG_TYPES)[keyof typeof LOG_TYPES];
