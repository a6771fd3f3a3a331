import type { PeerType } from "../../sdk/abi/peer-type";
import { BodyBuffer } from "./body-buffer";
import {
  type NetworkEnds,
  type NetworkFilter,
  type NetworkFilterFactory,
  NetworkStatus,
} from "./network-filter";
import { readStep } from "./network-flow";

interface Station {
  filter: NetworkFilter;
  connected: boolean;
}

/**
 * The filters of one TCP connection between its two ends: Envoy's network filter manager. All filters of a direction
 * share one buffer, so bytes that a later filter stops at are shown to the earlier ones again with what follows.
 */
export class NetworkChain {
  private readonly stations: Station[] = [];
  private readonly downstream = new BodyBuffer();
  private readonly upstream = new BodyBuffer();
  private connected = false;
  private ended = false;
  private closed = false;

  constructor(
    factories: readonly NetworkFilterFactory[],
    private readonly ends: NetworkEnds,
    /** Hears of what was thrown while the chain ran; the connection ends. Absent: it is thrown on. */
    private readonly onBug?: (error: unknown) => void,
  ) {
    for (const factory of factories) this.install(factory);
  }

  private install(factory: NetworkFilterFactory): void {
    const position = this.stations.length + 1;
    const filter = factory.createNetwork({
      info: this.ends.info,
      continueReading: () => this.read(position),
      close: () => {
        if (!this.closed) this.ends.closeDownstream();
      },
    });
    if (filter) this.stations.push({ filter, connected: false });
  }

  /** The connection is there: new-connection hooks run, then the way to the upstream begins. */
  start(): void {
    this.read(0);
  }

  /** Bytes, or the end of stream, from the client. */
  downstreamData(data: Buffer, end: boolean): void {
    this.downstream.append(data);
    this.ended ||= end;
    this.read(0);
  }

  private read(from: number): void {
    if (this.closed) return;
    try {
      this.visit(from);
      this.report();
    } catch (error) {
      this.broken(error);
    }
  }

  private visit(from: number): void {
    for (let i = from; i < this.stations.length; i++) if (!this.passes(this.stations[i]!)) return;
    if (!this.connected) {
      this.connected = true;
      this.ends.connect();
    }
    if (!this.closed && (this.downstream.length > 0 || this.ended))
      this.ends.toUpstream(this.downstream.take(), this.ended);
  }

  /** Runs the hooks of one filter that are due; false when it, or the connection, stops there. */
  private passes(station: Station): boolean {
    const { filter } = station;
    let shown = false;
    for (;;) {
      const { connected } = station;
      const step = readStep({ connected, shown, length: this.downstream.length, end: this.ended });
      if (step === "pass") return true;
      let status: NetworkStatus;
      if (step === "connect") {
        station.connected = true;
        status = filter.onNewConnection();
      } else {
        shown = true;
        status = filter.onDownstreamData(this.downstream, this.ended);
      }
      if (status !== NetworkStatus.Continue || this.closed) return false;
    }
  }

  /** Bytes, or the end of stream, from the upstream. */
  upstreamData(data: Buffer, end: boolean): void {
    if (this.closed) return;
    try {
      this.write(data, end);
    } catch (error) {
      this.broken(error);
    }
  }

  private write(data: Buffer, end: boolean): void {
    this.upstream.append(data);
    for (let i = this.stations.length - 1; i >= 0; i--) {
      const status = this.stations[i]!.filter.onUpstreamData(this.upstream, end);
      if (this.closed) return;
      if (status !== NetworkStatus.Continue) return this.report();
    }
    this.ends.toDownstream(this.upstream.take(), end);
    this.report();
  }

  private report(): void {
    if (!this.closed) this.ends.holding(this.downstream.length, this.upstream.length);
  }

  /** No hook runs any more: the connection only flushes what was written. */
  seal(): void {
    this.closed = true;
  }

  /** The client connection is closed: every filter is told, in chain order. */
  close(peer: PeerType): void {
    this.closed = true;
    for (const { filter } of this.stations) {
      try {
        filter.onClose(peer);
      } catch (error) {
        this.broken(error);
      }
    }
  }

  /** A defect of this host ends the connection at hand, and no other. */
  private broken(error: unknown): void {
    if (!this.onBug) throw error;
    this.onBug(error);
    if (!this.closed) this.ends.closeDownstream();
  }
}
