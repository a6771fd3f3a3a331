import type { GrpcCaller, GrpcEvents, GrpcExchange, GrpcRequest } from "../../context/grpc-caller";
import type { OnBug } from "../contain";
import type { ClusterManager } from "./cluster-manager";
import { UpstreamGrpc } from "./grpc-exchange";

/** `proxy_grpc_call` and `proxy_grpc_stream` on the proxy's own clusters. */
export class ClusterGrpcCaller implements GrpcCaller {
  private readonly running = new Set<UpstreamGrpc>();

  constructor(
    private readonly clusters: ClusterManager,
    private readonly onBug: OnBug,
  ) {}

  hasCluster(name: string): boolean {
    return this.clusters.get(name) !== undefined;
  }

  start(request: GrpcRequest, events: GrpcEvents): GrpcExchange | undefined {
    const cluster = this.clusters.get(request.target.cluster);
    if (!cluster) return undefined;
    const host = cluster.pick({ headers: request.metadata });
    if (!host) {
      cluster.stats.upstream_cx_none_healthy.inc();
      cluster.callCodes.count(503);
      return undefined;
    }
    const onOver = () => this.running.delete(exchange);
    const exchange = new UpstreamGrpc(cluster, host, request, events, { onOver, onBug: this.onBug });
    this.running.add(exchange);
    exchange.start();
    return exchange;
  }

  /** Proxy shutting down: nobody is told. */
  close(): void {
    for (const exchange of this.running) exchange.cancel();
    this.running.clear();
  }
}
