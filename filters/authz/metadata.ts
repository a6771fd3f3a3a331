import { Place } from "./place";

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

export function readMetadata(place: Place): Metadata {
  const metadata = new Metadata();
  if (place.isMissing) place.fail("needs name and namespace");
  else if (place.isObject(KNOWN)) {
    metadata.name = place.at("name").word();
    metadata.namespace = place.at("namespace").word();
    const annotations = place.at("annotations");
    const json = annotations.json;
    if (json == null || !place.fields.isObject(json, annotations.path)) return metadata;
    const dryRun = annotations.at(DRY_RUN);
    const text = dryRun.textOr("false");
    metadata.dryRun = TRUE.includes(text);
    // Enforcing what is meant to be tried, or trying what is meant to be enforced, would both be wrong.
    if (!metadata.dryRun && !FALSE.includes(text)) dryRun.fail("expected true or false");
  }
  return metadata;
}
