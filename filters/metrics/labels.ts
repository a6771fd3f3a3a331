/** Values of Istio's labels for one request, in the order the tags are written. */
export class Labels {
  reporter: string = "";
  sourceWorkload: string = "unknown";
  sourceCanonicalService: string = "unknown";
  sourceCanonicalRevision: string = "latest";
  sourceWorkloadNamespace: string = "unknown";
  sourcePrincipal: string = "unknown";
  sourceApp: string = "unknown";
  sourceVersion: string = "unknown";
  sourceCluster: string = "unknown";
  destinationWorkload: string = "unknown";
  destinationWorkloadNamespace: string = "unknown";
  destinationPrincipal: string = "unknown";
  destinationApp: string = "unknown";
  destinationVersion: string = "unknown";
  destinationService: string = "unknown";
  destinationCanonicalService: string = "unknown";
  destinationCanonicalRevision: string = "latest";
  destinationServiceName: string = "unknown";
  destinationServiceNamespace: string = "unknown";
  destinationCluster: string = "unknown";
  requestProtocol: string = "http";
  responseCode: string = "0";
  grpcResponseStatus: string = "";
  responseFlags: string = "-";
  connectionSecurityPolicy: string = "unknown";
}
