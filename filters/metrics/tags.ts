import { Labels } from "./labels";

/** Writes every label as a tag, in one fixed order. */
export function addLabels<M>(metric: M, labels: Labels): void {
  metric.tag("reporter", labels.reporter);
  metric.tag("source_workload", labels.sourceWorkload);
  metric.tag("source_canonical_service", labels.sourceCanonicalService);
  metric.tag("source_canonical_revision", labels.sourceCanonicalRevision);
  metric.tag("source_workload_namespace", labels.sourceWorkloadNamespace);
  metric.tag("source_principal", labels.sourcePrincipal);
  metric.tag("source_app", labels.sourceApp);
  metric.tag("source_version", labels.sourceVersion);
  metric.tag("source_cluster", labels.sourceCluster);
  metric.tag("destination_workload", labels.destinationWorkload);
  metric.tag("destination_workload_namespace", labels.destinationWorkloadNamespace);
  metric.tag("destination_principal", labels.destinationPrincipal);
  metric.tag("destination_app", labels.destinationApp);
  metric.tag("destination_version", labels.destinationVersion);
  metric.tag("destination_service", labels.destinationService);
  metric.tag("destination_canonical_service", labels.destinationCanonicalService);
  metric.tag("destination_canonical_revision", labels.destinationCanonicalRevision);
  metric.tag("destination_service_name", labels.destinationServiceName);
  metric.tag("destination_service_namespace", labels.destinationServiceNamespace);
  metric.tag("destination_cluster", labels.destinationCluster);
  metric.tag("request_protocol", labels.requestProtocol);
  metric.tag("response_code", labels.responseCode);
  metric.tag("grpc_response_status", labels.grpcResponseStatus);
  metric.tag("response_flags", labels.responseFlags);
  metric.tag("connection_security_policy", labels.connectionSecurityPolicy);
}
