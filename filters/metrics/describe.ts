import { HttpFilter } from "proxy-wasm-toolkit/sdk";
import { MetricsConfig } from "./config";
import { flagNames } from "./flags";
import { Labels } from "./labels";
import { LocalWorkload } from "./local";

/** Labels of the exchange that has just ended, as Istio's stats filter writes them. */
export function describe(filter: HttpFilter, config: MetricsConfig, local: LocalWorkload): Labels {
  const labels = new Labels();
  const destination = config.destination;
  labels.reporter = destination ? "destination" : "source";
  if (destination) describeDestination(labels, local);
  else describeSource(labels, local);
  describeService(labels, filter, destination ? local.namespace : "unknown");
  const contentType = filter.request.headers.get("content-type");
  const grpc =
    contentType != null && (contentType == "application/grpc" || contentType.startsWith("application/grpc+"));
  labels.requestProtocol = grpc ? "grpc" : "http";
  labels.responseCode = filter.response.code.toString();
  if (grpc) {
    const status = filter.response.grpcStatus;
    labels.grpcResponseStatus = status < 0 ? "" : status.toString();
  }
  labels.responseFlags = flagNames(filter.response.flags);
  // Without a TLS peer there is no mutual TLS; a source never knows.
  if (destination) labels.connectionSecurityPolicy = filter.connection.mtls ? "mutual_tls" : "none";
  return labels;
}

function describeDestination(labels: Labels, local: LocalWorkload): void {
  labels.destinationWorkload = local.workload;
  labels.destinationWorkloadNamespace = local.namespace;
  labels.destinationApp = local.app;
  labels.destinationVersion = local.version;
  labels.destinationCluster = local.cluster;
  labels.destinationCanonicalService = local.service;
  labels.destinationCanonicalRevision = local.revision;
}

function describeSource(labels: Labels, local: LocalWorkload): void {
  labels.sourceWorkload = local.workload;
  labels.sourceWorkloadNamespace = local.namespace;
  labels.sourceApp = local.app;
  labels.sourceVersion = local.version;
  labels.sourceCluster = local.cluster;
  labels.sourceCanonicalService = local.service;
  labels.sourceCanonicalRevision = local.revision;
}

/** Without service metadata the authority names the service. */
function describeService(labels: Labels, filter: HttpFilter, namespace: string): void {
  const authority = filter.request.headers.get(":authority");
  if (authority != null && authority != "") {
    labels.destinationService = authority;
    labels.destinationServiceName = authority;
  }
  labels.destinationServiceNamespace = namespace;
}
