import type { MirrorPolicy } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import type { Cluster } from "../clusters/cluster";
import type { ClusterManager } from "../clusters/cluster-manager";
import { openUpstream } from "../clusters/open-upstream";
import { UnsendableError } from "../clusters/request-writer";
import type { UpstreamEvents, UpstreamStream } from "../clusters/upstream-events";
import { ownAddress } from "../own-address";
import { isIn, randomNumber } from "./matchers";

/** Bytes of a copy that wait for a slow host; then the copy is dropped, so that it never holds up the request. */
const MAX_WAITING = 1024 * 1024;

const MAX_TIMER_MS = 2 ** 31 - 1;

/** A copy of a request to another cluster, whose answer nobody reads. */
class Shadow implements UpstreamEvents {
  private upstream: UpstreamStream | undefined;
  private waiting = 0;
  private status = 0;
  private readonly began = performance.now();
  private timer: NodeJS.Timeout | undefined;

  /** `timeoutMs`: for the answer, from when the whole copy was sent; 0 = any time. Nobody else would ever give it up. */
  constructor(
    private readonly cluster: Cluster,
    private readonly timeoutMs: number,
  ) {}

  start(headers: HeaderMap, endStream: boolean): void {
    const host = this.cluster.pick();
    if (!host || this.cluster.refuses(host)) return;
    try {
      this.upstream = openUpstream(this.cluster, host, headers, endStream, this);
      if (endStream) this.wait();
    } catch (error) {
      if (!(error instanceof UnsendableError)) throw error;
    }
  }

  write(chunk: Buffer): void {
    if (!this.upstream) return;
    if (this.upstream.write(chunk)) this.waiting = 0;
    else this.waiting += chunk.length;
    if (this.waiting > MAX_WAITING) this.drop();
  }

  end(trailers?: HeaderMap): void {
    this.upstream?.end(trailers);
    this.wait();
  }

  private wait(): void {
    if (this.upstream && this.timeoutMs > 0)
      this.timer = setTimeout(() => this.drop(), Math.min(this.timeoutMs, MAX_TIMER_MS)).unref();
  }

  /** The request itself was given up, or its copy was. */
  drop(): void {
    const { upstream } = this;
    this.over();
    upstream?.cancel();
  }

  private over(): void {
    clearTimeout(this.timer);
    this.upstream = undefined;
  }

  onUpstreamReady(): void {}
  onUpstreamInformation(): void {}
  onUpstreamDrain(): void {
    this.waiting = 0;
  }
  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    this.status = Number(headers.get(":status"));
    if (endStream) this.complete();
  }
  onUpstreamData(_: Buffer, endStream: boolean): void {
    if (endStream) this.complete();
  }
  onUpstreamTrailers(): void {
    this.complete();
  }
  onUpstreamReset(): void {
    this.over();
  }
  /** A copy is lost; the request is not. */
  onUpstreamBug(): void {
    this.drop();
  }

  private complete(): void {
    this.over();
    this.cluster.callCodes.count(this.status);
    this.cluster.callCodes.time(Math.floor(performance.now() - this.began));
  }
}

/** The copies of one request: fire and forget. */
export class Shadows {
  private readonly running: Shadow[] = [];
  private complete = false;

  /** @param headers as they go to the real host */
  constructor(
    policies: readonly MirrorPolicy[],
    headers: HeaderMap,
    endStream: boolean,
    clusters: ClusterManager,
    timeoutMs: number,
  ) {
    this.complete = endStream;
    for (const { cluster: name, fraction, keepHost } of policies) {
      const cluster = clusters.get(name);
      if (!cluster || !isIn(fraction, randomNumber())) continue;
      const shadow = new Shadow(cluster, timeoutMs);
      this.running.push(shadow);
      shadow.start(shadowHeaders(headers, keepHost), endStream);
    }
  }

  write(chunk: Buffer): void {
    for (const shadow of this.running) shadow.write(chunk);
  }

  end(trailers?: HeaderMap): void {
    this.complete = true;
    for (const shadow of this.running) shadow.end(trailers?.clone());
  }

  /** The stream is over: copies that were sent whole go on, others have lost their source. */
  drop(): void {
    if (this.complete) return;
    for (const shadow of this.running) shadow.drop();
  }
}

/** `shop:8080` becomes `shop-shadow:8080`. */
function shadowHeaders(headers: HeaderMap, keepHost: boolean): HeaderMap {
  const copy = headers.clone();
  copy.set("x-envoy-internal", "true");
  copy.add("x-forwarded-for", ownAddress());
  const authority = copy.get(":authority");
  if (!keepHost && authority !== undefined)
    copy.set(":authority", authority.replace(/(:\d*)?$/, "-shadow$1"));
  return copy;
}
