/** Istio's labels, in the order in which they stand in a metric's name. */
export enum Label {
  Reporter = 0,
  SourceWorkload,
  SourceService,
  SourceRevision,
  SourceNamespace,
  SourcePrincipal,
  SourceApp,
  SourceVersion,
  SourceCluster,
  DestinationWorkload,
  DestinationNamespace,
  DestinationPrincipal,
  DestinationApp,
  DestinationVersion,
  ServiceHost,
  DestinationService,
  DestinationRevision,
  ServiceName,
  ServiceNamespace,
  DestinationCluster,
  Protocol,
  Code,
  GrpcStatus,
  Flags,
  Security,
}

export const LABEL_NAMES: string[] = [
  "reporter",
  "source_workload",
  "source_canonical_service",
  "source_canonical_revision",
  "source_workload_namespace",
  "source_principal",
  "source_app",
  "source_version",
  "source_cluster",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "destination_app",
  "destination_version",
  "destination_service",
  "destination_canonical_service",
  "destination_canonical_revision",
  "destination_service_name",
  "destination_service_namespace",
  "destination_cluster",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "response_flags",
  "connection_security_policy",
];

/** Labels of every metric: those before the ones that tell how an exchange went. */
export const COMMON_LABELS: i32 = 20;
export const LABELS: i32 = 25;

/** What each of a workload's facts is called, by end of the exchange; the order is that of `Workload.facts`. */
export const SOURCE_LABELS: Label[] = [
  Label.SourceWorkload,
  Label.SourceNamespace,
  Label.SourceApp,
  Label.SourceVersion,
  Label.SourceCluster,
  Label.SourceService,
  Label.SourceRevision,
];
export const DESTINATION_LABELS: Label[] = [
  Label.DestinationWorkload,
  Label.DestinationNamespace,
  Label.DestinationApp,
  Label.DestinationVersion,
  Label.DestinationCluster,
  Label.DestinationService,
  Label.DestinationRevision,
];
