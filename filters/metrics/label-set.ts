import { Facts } from "./facts";
import { flagNames } from "./flags";
import { DESTINATION_LABELS, LABELS, Label, SOURCE_LABELS } from "./labels";
import { Service } from "./services";
import { Fact, Workload } from "./workload";

const UNKNOWN = "unknown";
/** Stands for every value that is not this proxy's own once there are too many series. */
const OTHER = "other";

/** The values of all labels, and behind them those of dynamic tags. */
export class LabelSet {
  readonly values: StaticArray<string>;

  constructor(size: i32) {
    this.values = new StaticArray<string>(size);
  }

  /** Equal for equal values only. */
  get key(): string {
    return this.values.join("\0");
  }
}

/** Makes label sets from what is known of an exchange. */
export class Labeller {
  constructor(
    private readonly isDestination: bool,
    private readonly local: Workload,
    private readonly dynamicTags: i32,
  ) {}

  /** The set of everything that finds no place of its own. */
  overflow(): LabelSet {
    const set = new LabelSet(LABELS + this.dynamicTags);
    set.values.fill(OTHER);
    this.describeLocal(set.values);
    return set;
  }

  of(facts: Facts, service: Service, peer: Workload | null, dynamic: string[]): LabelSet {
    const set = new LabelSet(LABELS + this.dynamicTags);
    const values = set.values;
    values.fill(UNKNOWN);
    this.describeLocal(values);
    const ends = this.isDestination ? SOURCE_LABELS : DESTINATION_LABELS;
    for (let i = 0; i < ends.length; i++) values[ends[i]] = peer == null ? UNKNOWN : orUnknown(peer.facts[i]);
    const revision = peer == null ? "" : peer.facts[Fact.Revision];
    values[ends[Fact.Revision]] = revision == "" ? "latest" : revision;
    const namespace = namespaceOf(facts.peer);
    if (namespace != "") values[ends[Fact.Namespace]] = namespace;
    this.describeCertificates(values, facts);
    this.describeService(values, facts, service, peer);
    for (let i = 0; i < dynamic.length && i < this.dynamicTags; i++) values[LABELS + i] = dynamic[i];
    return set;
  }

  private describeLocal(values: StaticArray<string>): void {
    values[Label.Reporter] = this.isDestination ? "destination" : "source";
    const ends = this.isDestination ? DESTINATION_LABELS : SOURCE_LABELS;
    for (let i = 0; i < ends.length; i++) values[ends[i]] = this.local.facts[i];
    if (this.isDestination) values[Label.ServiceNamespace] = this.local.namespace;
  }

  private describeCertificates(values: StaticArray<string>, facts: Facts): void {
    values[Label.SourcePrincipal] = orUnknown(this.isDestination ? facts.peer : facts.local);
    values[Label.DestinationPrincipal] = orUnknown(this.isDestination ? facts.local : facts.peer);
    // A source does not say: how it reached the other proxy is that one's to tell.
    if (this.isDestination)
      values[Label.Security] = facts.peer != "" && facts.local != "" ? "mutual_tls" : "none";
  }

  /** The service is named by its cluster, else by the request's authority. */
  private describeService(
    values: StaticArray<string>,
    facts: Facts,
    service: Service,
    peer: Workload | null,
  ): void {
    const fallback = this.isDestination ? this.local.service : UNKNOWN;
    const host = service.host != "" ? service.host : facts.authority;
    const name = service.name != "" ? service.name : facts.authority;
    values[Label.ServiceHost] = host != "" ? host : fallback;
    values[Label.ServiceName] = name != "" ? name : fallback;
    if (this.isDestination) return;
    if (service.namespace != "") values[Label.ServiceNamespace] = service.namespace;
    else if (peer != null) values[Label.ServiceNamespace] = orUnknown(peer.namespace);
  }
}

/** In place of a gRPC status: the exchange is none of gRPC. A call without a status has less than 0 too. */
export const NOT_GRPC: i32 = -2;

/** What differs from exchange to exchange of one kind. */
export function describeExchange(set: LabelSet, facts: Facts, protocol: string, grpcStatus: i32): void {
  set.values[Label.Protocol] = protocol;
  set.values[Label.Code] = facts.code.toString();
  set.values[Label.GrpcStatus] = grpcStatus < 0 ? "" : grpcStatus.toString();
  set.values[Label.Flags] = flagNames(facts.flags);
}

function orUnknown(text: string): string {
  return text == "" ? UNKNOWN : text;
}

/** `X` of `spiffe://domain/ns/X/sa/account`; "" = none. */
function namespaceOf(principal: string): string {
  const at = principal.indexOf("/ns/");
  if (at < 0) return "";
  const end = principal.indexOf("/", at + 4);
  return end < 0 ? principal.substring(at + 4) : principal.substring(at + 4, end);
}
