import { BufferType } from "../../sdk/abi/buffer-type";
import { PeerType } from "../../sdk/abi/peer-type";
import { StreamType } from "../../sdk/abi/stream-type";
import { Context, type GuestBuffer } from "../context/context";
import { LifecycleEvent } from "../context/lifecycle";
import type { RootContext } from "../context/root-context";
import type { PropertyScope } from "../stores/properties";
import type { BodyBuffer } from "./body-buffer";
import { type NetworkFilter, type NetworkFilterCallbacks, NetworkStatus } from "./network-filter";

/** The stream context of a TCP filter: turns hooks into callbacks, and holds what hostcalls reach. */
export class TcpContext extends Context implements NetworkFilter {
  private created = false;
  private closed = false;
  /** The buffers within the guest's reach: from a data callback until one answers "continue". */
  private downstream: BodyBuffer | undefined;
  private upstream: BodyBuffer | undefined;

  constructor(
    readonly root: RootContext,
    private readonly callbacks: NetworkFilterCallbacks,
    /** `fail_open: true`: a connection that hits a failed VM passes through instead of being closed. */
    private readonly passWhenFailed: boolean,
  ) {
    super(root.instance);
  }

  get logPrefix(): string {
    return this.root.streamLogPrefix;
  }

  // --- hooks

  onNewConnection(): NetworkStatus {
    this.created = true;
    this.root.streamBegun();
    this.instance.invoke(this, "proxy_on_context_create", this.root.id);
    return this.status(this.failedBefore() ?? this.instance.invoke(this, "proxy_on_new_connection"));
  }

  onDownstreamData(data: BodyBuffer, end: boolean): NetworkStatus {
    this.downstream = data;
    const status = this.data("proxy_on_downstream_data", data, end);
    if (status === NetworkStatus.Continue) this.downstream = undefined;
    return status;
  }

  onUpstreamData(data: BodyBuffer, end: boolean): NetworkStatus {
    if (!this.created) return NetworkStatus.Continue;
    this.upstream = data;
    const status = this.data("proxy_on_upstream_data", data, end);
    if (status === NetworkStatus.Continue) this.upstream = undefined;
    // The only sign a filter gets of the upstream's end: who closed is not known.
    if (end) this.instance.invoke(this, "proxy_on_upstream_connection_close", PeerType.Unknown);
    return status;
  }

  private data(
    callback: "proxy_on_downstream_data" | "proxy_on_upstream_data",
    data: BodyBuffer,
    end: boolean,
  ): NetworkStatus {
    return this.status(this.failedBefore() ?? this.instance.invoke(this, callback, data.length, end ? 1 : 0));
  }

  onClose(peer: PeerType): void {
    if (!this.created || this.closed) return;
    this.instance.invoke(this, "proxy_on_downstream_connection_close", peer);
    this.closed = true;
    this.instance.invoke(this, "proxy_on_done");
    this.advance(LifecycleEvent.Done);
    this.instance.invoke(this, "proxy_on_log");
    this.advance(LifecycleEvent.Log);
    this.instance.invoke(this, "proxy_on_delete");
    this.advance(LifecycleEvent.Delete);
    this.instance.forget(this);
    this.root.streamGone();
  }

  // --- results

  /** A failed VM is called no more; undefined when it is not failed. */
  private failedBefore(): 0 | undefined {
    return this.instance.failed ? 0 : undefined;
  }

  /** A failed VM closes the connection, unless failures pass through. */
  private status(result: number | undefined): NetworkStatus {
    if (this.instance.failed) {
      if (this.passWhenFailed) return NetworkStatus.Continue;
      this.callbacks.close();
      return NetworkStatus.StopIteration;
    }
    return result === undefined || result === 0 ? NetworkStatus.Continue : NetworkStatus.StopIteration;
  }

  // --- what hostcalls reach

  override buffer(type: BufferType): GuestBuffer | undefined {
    if (type === BufferType.DownstreamData) return reach(this.downstream);
    if (type === BufferType.UpstreamData) return reach(this.upstream);
    return super.buffer(type);
  }

  properties(): PropertyScope {
    return {
      plugin: this.root.plugin,
      stream: {
        info: this.callbacks.info,
        requestHeaders: undefined,
        responseHeaders: undefined,
        responseTrailers: undefined,
      },
    };
  }

  override continueStream(type: StreamType): void {
    if (type === StreamType.Downstream)
      this.instance.defer(this, () => this.unlessClosed(() => this.callbacks.continueReading()));
  }

  /** Either side closes the client connection: the only one a network filter has. */
  override closeStream(type: StreamType): void {
    if (type === StreamType.Downstream || type === StreamType.Upstream)
      this.instance.defer(this, () => this.unlessClosed(() => this.callbacks.close()));
  }

  override breakStream(): void {
    this.closeStream(StreamType.Downstream);
  }

  private unlessClosed(action: () => void): void {
    if (!this.closed) action();
  }
}

function reach(data: BodyBuffer | undefined): GuestBuffer | undefined {
  return data && { get: () => data.bytes(), set: (bytes) => data.replace(bytes) };
}
