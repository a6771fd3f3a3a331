import { PeerType } from "../../sdk/abi/peer-type";
import type { Clock } from "../clock";
import { NetworkChain } from "../stream/network-chain";
import type { NetworkFilterFactory } from "../stream/network-filter";
import { ExchangeFacts, type FactsInit } from "./exchange-facts";
import { Message } from "./message";

/** What a test may say of a connection; `protocol` and `route` belong to HTTP. */
export type ConnectionInit = Omit<FactsInit, "protocol" | "route">;

/** What a connection needs of its host. */
interface ConnectionHost {
  settle(): void;
  over(): void;
}

const EMPTY = Buffer.alloc(0);

/** A TCP connection under test: the test is the client and the upstream. */
export class TestConnection {
  readonly info: ExchangeFacts;
  /** What the upstream got: `text`, `body`, `chunks`, `complete` (the client's end of stream came, too). */
  readonly forwarded = new Message();
  /** What the client got. */
  readonly received = new Message();
  private readonly chain: NetworkChain;
  private readonly waiting: { data: Buffer; end: boolean }[] = [];
  private asked = false;
  private endedBy: "client" | "proxy" | undefined;

  constructor(
    factories: readonly NetworkFilterFactory[],
    private readonly clock: Clock,
    private readonly init: ConnectionInit,
    id: number,
    private readonly host: ConnectionHost,
  ) {
    this.info = new ExchangeFacts(id, clock, init);
    this.info.protocol = undefined;
    this.chain = new NetworkChain(factories, this);
  }

  /** @internal */
  start(): void {
    this.chain.start();
  }

  /** Every filter has let the connection in: the upstream is connected, and bytes are read. */
  get connected(): boolean {
    return this.asked;
  }

  /** Who closed the client's connection; undefined while it is open. */
  get closedBy(): "client" | "proxy" | undefined {
    return this.endedBy;
  }

  /** The client sends bytes; before the upstream is connected they wait, as in the proxy. */
  send(data: string | Buffer, { end = false } = {}): void {
    this.waiting.push({ data: Buffer.from(data), end });
    this.flush();
    this.host.settle();
  }

  /** The client ends its side. */
  end(): void {
    this.send(EMPTY, { end: true });
  }

  /** The upstream sends bytes. */
  respond(data: string | Buffer, { end = false } = {}): void {
    if (!this.asked) throw new Error("there is no connection to the upstream yet");
    if (this.endedBy === undefined) this.chain.upstreamData(Buffer.from(data), end);
    this.host.settle();
  }

  /** The client resets the connection. */
  disconnect(): void {
    this.finish(PeerType.Remote);
    this.host.settle();
  }

  /** The upstream refuses the connection, or resets it. */
  failUpstream(): void {
    this.finish(PeerType.Local);
    this.host.settle();
  }

  private flush(): void {
    while (this.asked && this.endedBy === undefined) {
      const next = this.waiting.shift();
      if (!next) return;
      this.chain.downstreamData(next.data, next.end);
      if (next.end && this.received.complete) this.finish(PeerType.Remote);
    }
  }

  /** @internal */
  connect(): void {
    this.asked = true;
    Object.assign(this.info.upstream, {
      attempts: 1,
      transportFailureReason: "",
      ...UPSTREAM,
      ...this.init.upstream,
    });
    // Not from inside the filter that has just let it in.
    this.clock.soon(() => this.flush());
  }

  /** @internal */
  toUpstream(data: Buffer, end: boolean): void {
    this.info.bytesReceived += data.length;
    this.forwarded.takeData(data, end);
  }

  /** @internal */
  toDownstream(data: Buffer, end: boolean): void {
    this.info.bytesSent += data.length;
    this.received.takeData(data, end);
    if (end && this.forwarded.complete) this.finish(PeerType.Local);
  }

  /** @internal */
  closeDownstream(): void {
    this.finish(PeerType.Local);
  }

  /** @internal */
  holding(): void {}

  private finish(peer: PeerType): void {
    if (this.endedBy !== undefined) return;
    this.endedBy = peer === PeerType.Remote ? "client" : "proxy";
    this.chain.close(peer);
    this.host.over();
  }

  toString(): string {
    return `connection from ${this.info.connection.remoteAddress}`;
  }
}

const UPSTREAM = { address: "127.0.0.1:8080", port: 8080, localAddress: "127.0.0.1:40000" };
