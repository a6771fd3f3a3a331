import type { GrpcEvents, GrpcExchange, GrpcRequest } from "../../context/grpc-caller";
import { localGrpcAnswer, RESET_TEXT, TIMEOUT_TEXT } from "../../context/local-answer";
import { grpcStatusOf } from "../../stores/grpc-status";
import { HeaderMap } from "../../stores/header-map";
import { contained, type OnBug } from "../contain";
import type { Cluster, Host } from "./cluster";
import { type FrameFault, FrameReader, frame } from "./grpc-frames";
import { grpcHeaders, grpcStatus } from "./grpc-headers";
import { openUpstream } from "./open-upstream";
import { UnsendableError } from "./request-writer";
import { type ResetReason, resetDetails, type UpstreamEvents, type UpstreamStream } from "./upstream-events";

/** One message, and what may wait for a slow host: a filter's call must not eat the memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The longest a timer can run, 24 days. */
const MAX_TIMER = 2 ** 31 - 1;

const UNKNOWN = 2;
const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;

const FAULTS: Readonly<Record<FrameFault, number>> = {
  malformed: INTERNAL,
  compressed: INTERNAL,
  "too large": RESOURCE_EXHAUSTED,
};

const NOTHING = () => new HeaderMap("response-trailers");

/** One gRPC exchange with a host, over whatever HTTP its cluster speaks. */
export class UpstreamGrpc implements UpstreamEvents, GrpcExchange {
  private upstream: UpstreamStream | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly reader: FrameReader;
  private responseStarted = false;
  private over = false;
  private localEnded = false;
  /** When everything had been sent; service time counts from here. */
  private sentAt: number | undefined;
  private waiting = 0;
  /** What the proxy knows of how it went: Envoy's response code details. */
  private details = "";

  constructor(
    private readonly cluster: Cluster,
    private readonly host: Host,
    private readonly request: GrpcRequest,
    private readonly events: GrpcEvents,
    private readonly owner: { onOver(): void; onBug: OnBug },
  ) {
    const limit = request.target.maxMessage;
    this.reader = new FrameReader(limit > 0 ? Math.min(limit, MAX_BYTES) : MAX_BYTES);
  }

  start(): void {
    const { cluster, host, request } = this;
    if (cluster.refuses(host)) {
      setImmediate(this.contained(() => this.onUpstreamReset("overflow", "")));
      return;
    }
    try {
      this.upstream = openUpstream(cluster, host, grpcHeaders(request), false, this);
    } catch (error) {
      if (!(error instanceof UnsendableError)) throw error;
      const words = error.message.replaceAll(" ", "_");
      const details = `filter_removed_required_request_headers{${words}}`;
      setImmediate(this.contained(() => this.fail(503, error.message, details)));
    }
  }

  // --- GrpcExchange

  send(message: Buffer, endStream: boolean): boolean {
    if (this.over || this.localEnded) return true;
    if (this.waiting + message.length > MAX_BYTES) return false;
    const data = frame(message);
    if (this.upstream && !this.upstream.write(data)) this.waiting += data.length;
    if (endStream) this.close();
    return true;
  }

  close(): void {
    if (this.over || this.localEnded) return;
    this.localEnded = true;
    this.upstream?.end();
    this.sentAt = performance.now();
    const { timeoutMs } = this.request;
    if (!timeoutMs) return;
    const onTimeout = this.contained(() => this.onTimeout());
    this.timer = setTimeout(onTimeout, Math.min(timeoutMs, MAX_TIMER));
  }

  cancel(): void {
    if (this.over) return;
    this.end();
    this.upstream?.cancel();
  }

  // --- UpstreamEvents

  private contained(run: () => void): () => void {
    return contained(run, (error) => this.onUpstreamBug(error));
  }

  onUpstreamBug(error: unknown): void {
    const { onBug } = this.owner;
    onBug(error);
    if (this.over) return;
    this.details = "host_bug";
    contained(() => this.breakOff(INTERNAL), onBug)();
  }

  onUpstreamReady(): void {}
  onUpstreamInformation(): void {}

  onUpstreamDrain(): void {
    this.waiting = 0;
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.over) return;
    this.responseStarted = true;
    this.details = "via_upstream";
    const status = Number(headers.get(":status"));
    this.cluster.callCodes.count(status);
    if (this.sentAt !== undefined)
      headers.set("x-envoy-upstream-service-time", String(Math.floor(performance.now() - this.sentAt)));
    if (status === 200 && !endStream) this.events.onInitialMetadata(headers);
    else {
      this.events.onInitialMetadata(NOTHING());
      if (endStream && (status === 200 || grpcStatus(headers) !== undefined)) this.finish(headers);
      else this.breakOff(grpcStatusOf(status));
    }
  }

  onUpstreamData(chunk: Buffer, endStream: boolean): void {
    if (this.over) return;
    const { messages, fault } = this.reader.read(chunk);
    // Envoy reads a whole chunk before it hands anything on; a message that cannot be read takes no others with it.
    if (fault === "malformed" || fault === "too large") return this.breakOff(FAULTS[fault]);
    for (const message of messages) {
      this.events.onMessage(message);
      if (this.over) return;
    }
    if (fault) this.breakOff(FAULTS[fault]);
    else if (endStream) this.breakOff(UNKNOWN);
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    if (!this.over) this.finish(trailers);
  }

  onUpstreamReset(reason: ResetReason, detail: string): void {
    if (this.over) return;
    this.host.stats.rq_error.inc();
    if (this.responseStarted) {
      this.details = `upstream_reset_after_response_started{${reason.replaceAll(" ", "_")}}`;
      this.breakOff(INTERNAL);
      return;
    }
    const status = reason === "protocol error" ? 502 : 503;
    this.cluster.callCodes.count(status);
    this.fail(status, RESET_TEXT + reason, resetDetails(reason, detail));
  }

  private onTimeout(): void {
    const { cluster, host } = this;
    this.upstream?.cancel();
    cluster.stats.upstream_rq_timeout.inc();
    host.stats.rq_timeout.inc();
    host.stats.rq_error.inc();
    if (this.responseStarted) {
      this.details = "response_timeout";
      this.breakOff(INTERNAL);
      return;
    }
    cluster.callCodes.count(504);
    this.fail(504, TIMEOUT_TEXT, "response_timeout");
  }

  // --- how it ends

  /** The proxy answers in the host's place, as it does to gRPC requests: with trailers only. */
  private fail(status: number, text: string, details: string): void {
    if (this.over) return;
    this.details = details;
    this.events.onInitialMetadata(NOTHING());
    this.finish(localGrpcAnswer(status, text));
  }

  /** The answer is complete, with these trailers. */
  private finish(trailers: HeaderMap): void {
    if (this.over) return;
    const status = grpcStatus(trailers) ?? UNKNOWN;
    const message = trailers.get("grpc-message") ?? "";
    if (this.details === "via_upstream") {
      (status === 0 ? this.host.stats.rq_success : this.host.stats.rq_error).inc();
      if (this.sentAt !== undefined) this.cluster.callCodes.time(Math.floor(performance.now() - this.sentAt));
    }
    this.events.onTrailingMetadata(trailers);
    this.tellClose(status, message);
  }

  /** The answer is of no use any more. */
  private breakOff(status: number): void {
    if (this.over) return;
    this.events.onTrailingMetadata(NOTHING());
    this.tellClose(status, "");
  }

  private tellClose(status: number, message: string): void {
    if (this.over) return;
    this.end();
    this.upstream?.cancel();
    const { details } = this;
    this.events.onClose(
      status,
      message === "" ? details : details === "" ? message : `${message}{${details}}`,
    );
  }

  private end(): void {
    this.over = true;
    clearTimeout(this.timer);
    this.owner.onOver();
  }
}
