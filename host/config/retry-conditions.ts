/** Conditions of `retry_on` and of the header `x-envoy-retry-on`. */
export const RETRY_ON = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "refused-stream",
  "retriable-4xx",
  "retriable-status-codes",
  "retriable-headers",
  "envoy-ratelimited",
  "http3-post-connect-failure",
] as const;

/** Statuses of gRPC: also conditions of `retry_on`, and those of the header `x-envoy-retry-grpc-on`. */
export const RETRY_GRPC_ON = [
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
] as const;
