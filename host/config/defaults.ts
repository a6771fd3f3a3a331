import type { CircuitBreakers } from "./model";

/** Envoy's limits of a cluster that says nothing of them. */
export const CIRCUIT_BREAKERS: CircuitBreakers = {
  max_connections: 1024,
  max_pending_requests: 1024,
  max_requests: 1024,
  max_retries: 3,
};
