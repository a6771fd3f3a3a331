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
/** What Istio reads as a boolean. */
const TRUE: string[] = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE: string[] = ["0", "f", "F", "FALSE", "false", "False"];

/** Who a policy is. */
export class Metadata {
  name: string = "";
  namespace: string = "";
  /** Is it only tried? */
  dryRun: bool = false;

  /** How Istio calls its rules, up to `-rule[i]`. */
  get id(): string {
    return `ns[${this.namespace}]-policy[${this.name}]`;
  }
}

export function readMetadata(fields: Fields, json: JsonValue | null, path: string): Metadata {
  const metadata = new Metadata();
  if (json == null) {
    fields.fail(path, "needs name and namespace");
    return metadata;
  }
  if (!fields.object(json, path, KNOWN)) return metadata;
  metadata.name = readName(fields, json, "name", path);
  metadata.namespace = readName(fields, json, "namespace", path);
  const annotations = json.get("annotations");
  if (annotations == null || !fields.isObject(annotations, `${path}.annotations`)) return metadata;
  const dryRun = fields.textOr(annotations, DRY_RUN, `${path}.annotations`, "false");
  metadata.dryRun = TRUE.includes(dryRun);
  // Enforcing what is meant to be tried, or trying what is meant to be enforced, would both be wrong.
  if (!metadata.dryRun && !FALSE.includes(dryRun))
    fields.fail(`${path}.annotations.${DRY_RUN}`, "expected true or false");
  return metadata;
}

function readName(fields: Fields, json: JsonValue, key: string, path: string): string {
  const name = fields.text(json.get(key), `${path}.${key}`);
  if (name == "") fields.fail(`${path}.${key}`, "must not be empty");
  return name;
}
