import { getPropertyString, PropertyPath } from "proxy-wasm-toolkit/sdk";

function metadata(segments: string[]): string {
  const value = getPropertyString(PropertyPath.of(["xds", "node", "metadata"].concat(segments)));
  return value == null ? "" : value;
}

/** What this proxy's own workload is called by its node's metadata; "" for what is not there. Read once. */
export class LocalWorkload {
  readonly workload: string = metadata(["WORKLOAD_NAME"]);
  readonly namespace: string = metadata(["NAMESPACE"]);
  readonly cluster: string = metadata(["CLUSTER_ID"]);
  readonly app: string = metadata(["LABELS", "app"]);
  readonly version: string = metadata(["LABELS", "version"]);
  readonly service: string = metadata(["LABELS", "service.istio.io/canonical-name"]);
  readonly revision: string = metadata(["LABELS", "service.istio.io/canonical-revision"]);
}
