import { Gauge, getPropertyString, PropertyPath } from "proxy-wasm-toolkit/sdk";
import { AppMetrics } from "./app-metrics";
import { MetricsConfig } from "./config";
import { FactReader, Facts, isBlocked, Snapshot } from "./facts";
import { KnownExchanges } from "./known-exchanges";
import { describeExchange, Labeller, LabelSet, NOT_GRPC } from "./label-set";
import { Introduction, Peers } from "./peers";
import { Traffic } from "./plans";
import { Reports } from "./reports";
import { Series, SeriesTable } from "./series";
import { Services } from "./services";
import { localWorkload, Workload } from "./workload";

const ENDPOINT = PropertyPath.of(["xds", "upstream_host_metadata", "filter_metadata", "istio", "workload"]);

/** What stands for requests that Istio's route `block_all` refuses, with that code. */
const BLACK_HOLE = "BlackHoleCluster";
const BLOCKED_CODE = 502;

/** All series of one plugin, and what is needed to find them. */
export class Book {
  readonly services: Services = new Services();
  readonly peers: Peers = new Peers();
  readonly reader: FactReader;
  readonly introduction: Introduction;
  readonly reports: Reports;
  readonly appMetrics: AppMetrics | null;
  private readonly labeller: Labeller;
  private readonly known: KnownExchanges = new KnownExchanges();
  private readonly tables: SeriesTable[] = [];

  constructor(readonly config: MetricsConfig) {
    const local = localWorkload();
    config.settle(local.isKnown);
    this.introduction = new Introduction(local);
    this.reader = new FactReader(config.isDestination ? "connection" : "upstream", config.readsAuthority);
    this.reports = new Reports(config.interval);
    this.appMetrics = config.appMetrics ? new AppMetrics() : null;
    this.labeller = new Labeller(config.isDestination, local, config.dynamicTags.length);
    const other = this.labeller.overflow();
    for (let i = 0; i < config.plans.length; i++)
      this.tables.push(new SeriesTable(config.plans[i], config.maxSeries, other));
    const version = getPropertyString("xds.node.metadata.ISTIO_VERSION");
    new Gauge("istio_build")
      .tag("component", "proxy")
      .tag("tag", version == null ? "unknown" : version)
      .record(1);
  }

  /** Series of the HTTP exchange that has just ended; `grpcStatus` as in `describeExchange`. */
  exchange(snapshot: Snapshot, told: Workload | null, grpcStatus: i32): Series {
    const dynamic = this.config.dynamicTags.read();
    let extra = dynamic.length == 0 ? "" : dynamic.join("\0");
    const blocked = snapshot.code == BLOCKED_CODE && !snapshot.isRouted && isBlocked();
    if (blocked) extra += `\0${BLACK_HOLE}`;
    const peer = this.peerOf(told);
    const id = peer == null ? 0 : peer.id;
    const known = this.known.find(snapshot, id, grpcStatus, extra);
    if (known != null) return known;
    const facts = snapshot.facts();
    if (blocked) facts.cluster = BLACK_HOLE;
    const protocol = grpcStatus == NOT_GRPC ? "http" : "grpc";
    const series = this.find(Traffic.Http, this.labels(facts, peer, dynamic, protocol, grpcStatus));
    this.known.add(snapshot, id, grpcStatus, extra, series);
    return series;
  }

  /** Series of the current stream's messages or bytes; `dynamic` = values of its dynamic tags. */
  stream(traffic: Traffic, facts: Facts, told: Workload | null, dynamic: string[]): Series {
    return this.find(traffic, this.labels(facts, this.peerOf(told), dynamic, "tcp", NOT_GRPC));
  }

  /** Who told of itself in headers; else, at the source, what the endpoint's metadata say. */
  private peerOf(told: Workload | null): Workload | null {
    if (told != null || this.config.isDestination) return told;
    const text = getPropertyString(ENDPOINT);
    return text == null ? null : this.peers.ofEndpoint(text);
  }

  private labels(
    facts: Facts,
    peer: Workload | null,
    dynamic: string[],
    protocol: string,
    grpcStatus: i32,
  ): LabelSet {
    const labels = this.labeller.of(facts, this.services.of(facts.cluster), peer, dynamic);
    describeExchange(labels, facts, protocol, grpcStatus);
    return labels;
  }

  private find(traffic: Traffic, labels: LabelSet): Series {
    return this.tables[traffic].find(labels);
  }
}
