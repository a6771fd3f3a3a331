import type { HeaderMap } from "../../stores/header-map";
import type { PooledSocket } from "./connector";
import { grpcStatus } from "./grpc-headers";
import type { Host } from "./host";
import type { ResetReason, UpstreamEvents } from "./upstream-events";

/** Status of HTTP that stands for one of gRPC (google.rpc.Code). */
const GRPC_AS_HTTP: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

/** What becomes of an exchange, told to those who watch its host before it is told to who asked. */
export class WatchedEvents implements UpstreamEvents {
  private readonly grpc: boolean;

  constructor(
    private readonly host: Host,
    request: HeaderMap,
    private readonly events: UpstreamEvents,
  ) {
    this.grpc = /^application\/grpc(?:$|[+;])/.test(request.get("content-type") ?? "");
  }

  onUpstreamReady(socket: PooledSocket): void {
    this.host.outlier?.outcome("connected");
    this.events.onUpstreamReady(socket);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const { host } = this;
    host.outlier?.response(this.statusOf(headers));
    if (headers.has("x-envoy-degraded")) host.outlier?.degraded();
    if (headers.has("x-envoy-immediate-health-check-fail")) host.checks?.failAtOnce();
    this.events.onUpstreamHeaders(headers, endStream);
  }

  private statusOf(headers: HeaderMap): number {
    const status = this.grpc ? grpcStatus(headers) : undefined;
    return status === undefined ? Number(headers.get(":status")) : (GRPC_AS_HTTP[status] ?? 500);
  }

  onUpstreamReset(reason: ResetReason, detail: string): void {
    // A cluster that is asked too much is no host's fault.
    if (reason !== "overflow") this.host.outlier?.outcome("connect failed");
    this.events.onUpstreamReset(reason, detail);
  }

  onUpstreamData(chunk: Buffer, endStream: boolean): void {
    this.events.onUpstreamData(chunk, endStream);
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    this.events.onUpstreamTrailers(trailers);
  }

  onUpstreamDrain(): void {
    this.events.onUpstreamDrain();
  }

  onUpstreamInformation(status: number): void {
    this.events.onUpstreamInformation(status);
  }

  onUpstreamBug(error: unknown): void {
    this.events.onUpstreamBug(error);
  }
}
