import type { HttpListenerConfig, NodeConfig, TracingConfig, TracingProvider } from "../../config/model";
import type { HttpCaller } from "../../context/http-caller";
import type { HeaderMap } from "../../stores/header-map";
import { ownAddress } from "../own-address";
import type { Route } from "../router/route";
import type { StatCounter, StatsStore } from "../stats/store";
import { decide, type Reason } from "./decision";
import { OpenTelemetry } from "./opentelemetry";
import type { SpanKind } from "./span";
import { StreamTrace } from "./stream-trace";
import type { Tracer } from "./tracer";
import { Zipkin } from "./zipkin";

export interface TracingDeps {
  store: StatsStore;
  caller: HttpCaller;
  node: NodeConfig;
}

/** Envoy's numbers of directions. */
const OUTBOUND = 2;
const REASONS: readonly Reason[] = ["random_sampling", "client_enabled", "service_forced", "not_traceable"];
const LIBRARY = { name: "envoy", version: "1.40.0" };

/** Traces the requests of one connection manager. */
export class Tracing {
  private readonly counters: ReadonlyMap<Reason, StatCounter>;
  private readonly tracer: Tracer | undefined;
  readonly config: TracingConfig;
  private readonly outgoing: boolean;
  private readonly kind: SpanKind;

  constructor(
    private readonly listener: HttpListenerConfig,
    config: TracingConfig,
    private readonly deps: TracingDeps,
  ) {
    const { store } = deps;
    this.config = config;
    const counter = (name: string) => store.counter(`http.${listener.http.statPrefix}.tracing.${name}`);
    this.counters = new Map(REASONS.map((reason) => [reason, counter(reason)]));
    counter("health_check");
    this.outgoing = listener.trafficDirection === OUTBOUND;
    // With spans for attempts it is those that face the server.
    this.kind = this.outgoing && !config.spawnUpstreamSpan ? "CLIENT" : "SERVER";
    this.tracer = config.provider && makeTracer(config.provider, deps);
  }

  /** Decides about a request that has its route. Undefined: there is nothing to tell anybody. `now`: microseconds since 1970. */
  begin(
    headers: HeaderMap,
    route: Route | undefined,
    now: number,
    info: { traced?: boolean | undefined },
  ): StreamTrace | undefined {
    const reason = decide(headers, this.config, this.listener.http.edge.requestId);
    this.counters.get(reason)!.inc();
    const traced = reason !== "not_traceable";
    // Filters of access logs ask for it, spans or not: chance is not enough for them.
    info.traced = reason === "service_forced";
    if (!this.tracer) return undefined;
    const host = headers.get(":authority") ?? "";
    const { outgoing, kind } = this;
    const span = this.tracer.begin({ headers, host, outgoing, kind, traced, start: now });
    if (!span) return undefined;
    const { id, locality } = this.deps.node;
    span.tags.set("node_id", id);
    if (locality.zone !== "") span.tags.set("zone", locality.zone);
    return new StreamTrace(this.tracer, span, this.config, { outgoing, decorator: route?.config.decorator });
  }

  close(): void {
    this.tracer?.flush();
    this.tracer?.close();
  }
}

function makeTracer(provider: TracingProvider, { caller, store, node }: TracingDeps): Tracer {
  if (provider.kind === "opentelemetry") return new OpenTelemetry(provider, LIBRARY, caller, store);
  return new Zipkin(provider, { serviceName: node.cluster, ipv4: ownAddress() }, caller, store);
}
