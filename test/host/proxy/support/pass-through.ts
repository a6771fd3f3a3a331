import type { Chain, ChainFactory } from "../../../../host/proxy/chain";
import { HeaderMap } from "../../../../host/stores/header-map";
import type { LocalReply, StreamEnds } from "../../../../host/stream/filter";

/** A chain without filters that keeps count of its streams: the proxy alone is under test. */
export class PassThrough {
  started = 0;
  /** `finish` calls per stream; anything but 1 at the end is a defect. */
  readonly finishes: number[] = [];
  /** Response code details, in order of completion. */
  readonly details: (string | undefined)[] = [];
  readonly flags: number[] = [];
  private readonly waiting: (() => void)[] = [];

  readonly factory: ChainFactory = (ends) => {
    const index = this.started++;
    this.finishes.push(0);
    return new BareChain(ends, () => {
      this.finishes[index]!++;
      this.details.push(ends.info.responseCodeDetails);
      this.flags.push(ends.info.responseFlags);
      for (const wake of this.waiting.splice(0)) wake();
    });
  };

  /** Resolves once that many streams have finished. */
  async finished(count: number): Promise<void> {
    while (this.details.length < count) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

class BareChain implements Chain {
  private replied = false;
  private done = false;

  constructor(
    private readonly ends: StreamEnds,
    private readonly onFinish: () => void,
  ) {}

  requestHeaders(headers: HeaderMap, endStream: boolean): void {
    this.ends.forwardRequestHeaders(headers, endStream);
  }
  requestData(chunk: Buffer, endStream: boolean): void {
    if (!this.replied) this.ends.forwardRequestData(chunk, endStream);
  }
  requestTrailers(trailers: HeaderMap): void {
    if (!this.replied) this.ends.forwardRequestTrailers(trailers);
  }
  responseHeaders(headers: HeaderMap, endStream: boolean): void {
    this.ends.sendResponseHeaders(headers, endStream);
  }
  responseData(chunk: Buffer, endStream: boolean): void {
    this.ends.sendResponseData(chunk, endStream);
  }
  responseTrailers(trailers: HeaderMap): void {
    this.ends.sendResponseTrailers(trailers);
  }
  sendLocalReply(reply: LocalReply): void {
    this.replied = true;
    const { info } = this.ends;
    info.responseCodeDetails = reply.details;
    info.responseFlags |= reply.flags ?? 0;
    const headers = new HeaderMap("response");
    headers.append(":status", String(reply.status));
    this.ends.decorateLocalReply(headers);
    for (const [name, value] of reply.headers ?? []) headers.add(name, value);
    const body = typeof reply.body === "string" ? Buffer.from(reply.body, "latin1") : reply.body;
    if (body.length > 0) {
      headers.set("content-length", String(body.length));
      if (!headers.has("content-type")) headers.append("content-type", "text/plain");
    }
    const bare = body.length === 0;
    this.ends.sendResponseHeaders(headers, bare);
    if (!bare) this.ends.sendResponseData(body, true);
  }
  finish(): void {
    if (this.done) throw new Error("finish called twice");
    this.done = true;
    this.onFinish();
  }
}
