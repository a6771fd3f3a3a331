import type { HttpCaller, HttpCallRequest, HttpCallResponse } from "../../context/http-caller";
import { localAnswer, RESET_TEXT, TIMEOUT_TEXT } from "../../context/local-answer";
import type { HeaderMap } from "../../stores/header-map";
import { contained, type OnBug } from "../contain";
import type { Cluster, Host } from "./cluster";
import type { ClusterManager } from "./cluster-manager";
import { openUpstream } from "./open-upstream";
import { UnsendableError } from "./request-writer";
import type { ResetReason, UpstreamEvents, UpstreamStream } from "./upstream-events";

/** An answer larger than this counts as a reset: a filter's call must not eat the memory. */
const MAX_BODY = 64 * 1024 * 1024;

/** The reason in an answer that a defect of this host stands for. */
const HOST_BUG = "host bug";

type Done = (response: HttpCallResponse | undefined) => void;

/** `proxy_http_call` on the proxy's own clusters. */
export class ClusterHttpCaller implements HttpCaller {
  private readonly running = new Set<HttpCall>();

  constructor(
    private readonly clusters: ClusterManager,
    private readonly onBug: OnBug,
  ) {}

  hasCluster(name: string): boolean {
    return this.clusters.get(name) !== undefined;
  }

  call(name: string, request: HttpCallRequest, onDone: Done): { cancel(): void } | undefined {
    const cluster = this.clusters.get(name);
    const host = cluster?.pick({ headers: request.headers });
    if (!cluster || !host) return undefined;
    const done: Done = (response) => {
      this.running.delete(call);
      onDone(response);
    };
    const call = new HttpCall(cluster, request, done, this.onBug);
    this.running.add(call);
    call.start(host);
    return {
      cancel: () => {
        this.running.delete(call);
        call.cancel();
      },
    };
  }

  /** Proxy shutting down: nobody is told. */
  close(): void {
    for (const call of this.running) call.cancel();
    this.running.clear();
  }
}

/** One call: the whole answer is collected, then handed over. */
class HttpCall implements UpstreamEvents {
  private upstream: UpstreamStream | undefined;
  private timer: NodeJS.Timeout | undefined;
  private headers: HeaderMap | undefined;
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private over = false;
  private readonly started = performance.now();

  constructor(
    private readonly cluster: Cluster,
    private readonly call: HttpCallRequest,
    private readonly onDone: Done,
    private readonly report: OnBug,
  ) {}

  start(host: Host): void {
    const { body, timeoutMs, trailers } = this.call;
    const headers = this.call.headers.clone();
    if (body.length > 0) headers.set("content-length", String(body.length));
    headers.set("x-envoy-internal", "true");
    if (timeoutMs > 0) headers.set("x-envoy-expected-rq-timeout-ms", String(timeoutMs));
    if (this.cluster.refuses(host)) {
      setImmediate(this.contained(() => this.onUpstreamReset("overflow")));
      return;
    }
    try {
      const bare = body.length === 0 && trailers === undefined;
      this.upstream = openUpstream(this.cluster, host, headers, bare, this);
      if (!bare) {
        this.upstream.write(body);
        this.upstream.end(trailers);
      }
    } catch (error) {
      if (!(error instanceof UnsendableError)) throw error;
      setImmediate(this.contained(() => this.answer(503, error.message)));
      return;
    }
    if (timeoutMs > 0)
      this.timer = setTimeout(
        this.contained(() => this.onTimeout()),
        timeoutMs,
      );
  }

  private onTimeout(): void {
    this.upstream?.cancel();
    this.cluster.stats.upstream_rq_timeout.inc();
    if (this.headers) {
      this.finish(undefined);
      return;
    }
    this.upstream?.host.outlier?.outcome("timeout");
    this.cluster.callCodes.count(504);
    this.answer(504, TIMEOUT_TEXT);
  }

  private answer(status: number, text: string): void {
    this.finish(localAnswer(status, text));
  }

  private finish(response: HttpCallResponse | undefined): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.onDone(response);
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.upstream?.cancel();
  }

  private contained(run: () => void): () => void {
    return contained(run, (error) => this.onUpstreamBug(error));
  }

  /** As if the host had not answered. */
  onUpstreamBug(error: unknown): void {
    this.report(error);
    if (this.over) return;
    this.upstream?.cancel();
    contained(() => this.answer(503, RESET_TEXT + HOST_BUG), this.report)();
  }

  onUpstreamReady(): void {}
  onUpstreamDrain(): void {}
  onUpstreamInformation(): void {}

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    this.headers = headers;
    this.cluster.callCodes.count(Number(headers.get(":status")));
    headers.set("x-envoy-upstream-service-time", String(Math.floor(performance.now() - this.started)));
    if (endStream) this.complete(undefined);
  }

  onUpstreamData(chunk: Buffer, endStream: boolean): void {
    if (this.over) return;
    this.size += chunk.length;
    if (this.size > MAX_BODY) {
      this.upstream?.cancel();
      this.finish(undefined);
      return;
    }
    if (chunk.length > 0) this.chunks.push(chunk);
    if (endStream) this.complete(undefined);
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    this.complete(trailers);
  }

  private complete(trailers: HeaderMap | undefined): void {
    this.cluster.callCodes.time(Math.floor(performance.now() - this.started));
    this.finish({ headers: this.headers!, body: Buffer.concat(this.chunks), trailers });
  }

  onUpstreamReset(reason: ResetReason): void {
    if (this.headers) {
      this.finish(undefined);
      return;
    }
    const status = reason === "protocol error" ? 502 : 503;
    this.cluster.callCodes.count(status);
    this.answer(status, RESET_TEXT + reason);
  }
}
