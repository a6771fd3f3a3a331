import { getPropertyString, PropertyPath } from "proxy-wasm-toolkit/sdk";

/** Places in `Workload.facts`. */
export enum Fact {
  Workload = 0,
  Namespace,
  App,
  Version,
  Cluster,
  Service,
  Revision,
}

const FACTS: i32 = 7;

/** Where a fact stands in the metadata of a node: in the message itself, or among its labels. */
export const METADATA_KEYS: string[] = ["WORKLOAD_NAME", "NAMESPACE", "", "", "CLUSTER_ID", "", ""];
export const LABEL_KEYS: string[] = [
  "",
  "",
  "app",
  "version",
  "",
  "service.istio.io/canonical-name",
  "service.istio.io/canonical-revision",
];

/** What the proxy at one end of an exchange is called; "" for what is not known. */
export class Workload {
  readonly facts: StaticArray<string> = new StaticArray<string>(FACTS);
  /** Tells workloads apart without comparing texts; 0 = nobody is known. */
  id: u32 = 0;

  constructor() {
    this.facts.fill("");
  }

  get isKnown(): bool {
    for (let i = 0; i < FACTS; i++) if (this.facts[i] != "") return true;
    return false;
  }

  get namespace(): string {
    return this.facts[Fact.Namespace];
  }

  get service(): string {
    return this.facts[Fact.Service];
  }
}

function metadata(segments: string[]): string {
  const value = getPropertyString(PropertyPath.of(["xds", "node", "metadata"].concat(segments)));
  return value == null ? "" : value;
}

/** This proxy's own workload, by its node's metadata. */
export function localWorkload(): Workload {
  const local = new Workload();
  for (let fact = 0; fact < FACTS; fact++) {
    const label = LABEL_KEYS[fact];
    local.facts[fact] = label != "" ? metadata(["LABELS", label]) : metadata([METADATA_KEYS[fact]]);
  }
  return local;
}

/** Reads what Istio writes of a workload into an endpoint's metadata: `workload;namespace;service;revision;cluster`. */
export function endpointWorkload(text: string): Workload | null {
  const parts = text.split(";");
  if (parts.length < 5) return null;
  const workload = new Workload();
  workload.facts[Fact.Workload] = parts[0];
  workload.facts[Fact.Namespace] = parts[1];
  workload.facts[Fact.Service] = parts[2];
  workload.facts[Fact.Revision] = parts[3];
  workload.facts[Fact.Cluster] = parts[4];
  return workload;
}
