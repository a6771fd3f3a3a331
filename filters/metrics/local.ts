import { getPropertyString, PropertyPath } from "proxy-wasm-toolkit/sdk";

/** A value of the node's metadata, or what stands for a missing one. */
function node(key: string, missing: string): string {
  const value = getPropertyString(PropertyPath.of(["xds", "node", "metadata", key]));
  return value == null ? missing : value;
}

function label(key: string, missing: string): string {
  const value = getPropertyString(PropertyPath.of(["xds", "node", "metadata", "LABELS", key]));
  return value == null ? missing : value;
}

/** What this proxy's own workload is called, read once when the plugin is configured. */
export class LocalWorkload {
  readonly workload: string = node("WORKLOAD_NAME", "unknown");
  readonly namespace: string = node("NAMESPACE", "unknown");
  readonly cluster: string = node("CLUSTER_ID", "unknown");
  readonly app: string = label("app", "unknown");
  readonly version: string = label("version", "unknown");
  readonly service: string = label("service.istio.io/canonical-name", this.workload);
  readonly revision: string = label("service.istio.io/canonical-revision", "latest");
}
