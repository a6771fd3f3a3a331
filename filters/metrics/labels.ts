import { Facts } from "./facts";
import { flagNames } from "./flags";
import { LocalWorkload } from "./local";

const UNKNOWN = "unknown";
/** Stands for every value of a request's labels once there are too many series. */
const OTHER = "other";

/** Istio's labels of one series. The fields of the other side stay unknown: nothing tells of it yet. */
export class Labels {
  reporter: string = "destination";
  source: Side = new Side();
  destination: Side = new Side();
  service: string = OTHER;
  serviceName: string = OTHER;
  serviceNamespace: string = UNKNOWN;
  protocol: string = OTHER;
  code: string = OTHER;
  grpcStatus: string = OTHER;
  flags: string = OTHER;
  security: string = UNKNOWN;

  /** Labels of a destination's proxy; no facts = of the overflow series. */
  static ofDestination(local: LocalWorkload, facts: Facts | null): Labels {
    const labels = new Labels();
    labels.destination.describe(local);
    labels.serviceNamespace = local.namespace;
    if (facts == null) return labels;
    labels.describe(facts, local.service);
    labels.source.principal = orUnknown(facts.peer);
    labels.source.namespace = namespaceOf(facts.peer);
    labels.destination.principal = orUnknown(facts.local);
    labels.security = facts.peer != "" && facts.local != "" ? "mutual_tls" : "none";
    return labels;
  }

  /** Labels of a source's proxy. */
  static ofSource(local: LocalWorkload, facts: Facts | null): Labels {
    const labels = new Labels();
    labels.reporter = "source";
    labels.source.describe(local);
    if (facts == null) return labels;
    labels.describe(facts, UNKNOWN);
    labels.serviceNamespace = orUnknown(facts.service.namespace);
    return labels;
  }

  /** The service is named by its cluster, else by the request's authority. */
  private describe(facts: Facts, fallback: string): void {
    const service = facts.service;
    const host = service.host != "" ? service.host : facts.authority;
    const name = service.name != "" ? service.name : facts.authority;
    this.service = host != "" ? host : fallback;
    this.serviceName = name != "" ? name : fallback;
    this.protocol = facts.isGrpc ? "grpc" : "http";
    this.code = facts.code.toString();
    this.grpcStatus = facts.grpcStatus < 0 ? "" : facts.grpcStatus.toString();
    this.flags = flagNames(facts.flags);
  }

  /** Writes them as a metric's tags, in the one order they always have. */
  write<M>(metric: M): void {
    const source = this.source;
    const destination = this.destination;
    metric.tag("reporter", this.reporter);
    metric.tag("source_workload", source.workload);
    metric.tag("source_canonical_service", source.service);
    metric.tag("source_canonical_revision", source.revision);
    metric.tag("source_workload_namespace", source.namespace);
    metric.tag("source_principal", source.principal);
    metric.tag("source_app", source.app);
    metric.tag("source_version", source.version);
    metric.tag("source_cluster", source.cluster);
    metric.tag("destination_workload", destination.workload);
    metric.tag("destination_workload_namespace", destination.namespace);
    metric.tag("destination_principal", destination.principal);
    metric.tag("destination_app", destination.app);
    metric.tag("destination_version", destination.version);
    metric.tag("destination_service", this.service);
    metric.tag("destination_canonical_service", destination.service);
    metric.tag("destination_canonical_revision", destination.revision);
    metric.tag("destination_service_name", this.serviceName);
    metric.tag("destination_service_namespace", this.serviceNamespace);
    metric.tag("destination_cluster", destination.cluster);
    metric.tag("request_protocol", this.protocol);
    metric.tag("response_code", this.code);
    metric.tag("grpc_response_status", this.grpcStatus);
    metric.tag("response_flags", this.flags);
    metric.tag("connection_security_policy", this.security);
  }
}

/** Labels of one end of the exchange. */
class Side {
  workload: string = UNKNOWN;
  namespace: string = UNKNOWN;
  principal: string = UNKNOWN;
  app: string = UNKNOWN;
  version: string = UNKNOWN;
  cluster: string = UNKNOWN;
  service: string = UNKNOWN;
  revision: string = "latest";

  describe(local: LocalWorkload): void {
    this.workload = local.workload;
    this.namespace = local.namespace;
    this.app = local.app;
    this.version = local.version;
    this.cluster = local.cluster;
    this.service = local.service;
    this.revision = local.revision;
  }
}

function orUnknown(text: string): string {
  return text == "" ? UNKNOWN : text;
}

/** `X` of `spiffe://domain/ns/X/sa/account`. */
function namespaceOf(principal: string): string {
  const at = principal.indexOf("/ns/");
  if (at < 0) return UNKNOWN;
  const end = principal.indexOf("/", at + 4);
  return orUnknown(end < 0 ? principal.substring(at + 4) : principal.substring(at + 4, end));
}
