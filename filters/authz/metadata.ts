import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";

/** Fields of a Kubernetes object's metadata. Those but name, namespace and annotations say nothing of the policy. */
const KNOWN: string[] = [
  "name",
  "namespace",
  "annotations",
  "labels",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "managedFields",
  "ownerReferences",
  "finalizers",
];

const DRY_RUN = "istio.io/dry-run";

/** Reads a policy's metadata; answers how Istio calls its rules, up to `-rule[i]`. */
export function readMetadata(fields: Fields, json: JsonValue | null, path: string): string {
  if (json == null) {
    fields.fail(path, "needs name and namespace");
    return "";
  }
  if (!fields.object(json, path, KNOWN)) return "";
  const name = readName(fields, json, "name", path);
  const namespace = readName(fields, json, "namespace", path);
  const annotations = json.get("annotations");
  if (annotations != null && fields.isObject(annotations, `${path}.annotations`)) {
    const dryRun = annotations.get(DRY_RUN);
    // Enforcing what is meant to be tried, or trying what is meant to be enforced, would both be wrong.
    if (dryRun != null && dryRun.text != "false")
      fields.fail(`${path}.annotations.${DRY_RUN}`, "not supported");
  }
  return `ns[${namespace}]-policy[${name}]`;
}

function readName(fields: Fields, json: JsonValue, key: string, path: string): string {
  const name = fields.text(json.get(key), `${path}.${key}`);
  if (name == "") fields.fail(`${path}.${key}`, "must not be empty");
  return name;
}
