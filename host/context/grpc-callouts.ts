import { MapType } from "../../sdk/abi/map-type";
import { Status } from "../../sdk/abi/status";
import type { HeaderMap } from "../stores/header-map";
import { CallKind, callKind } from "./call-ids";
import type { GuestBuffer } from "./context";
import type { GrpcEvents, GrpcExchange, GrpcRequest } from "./grpc-caller";
import type { RootContext } from "./root-context";

/** Streams that the host has ended stay known until the guest closes them too; of those, this many at most. */
const MAX_ENDED = 1000;

/** gRPC status INTERNAL: a call that ended well without a message. */
const INTERNAL = 13;

interface Entry {
  exchange: GrpcExchange;
  /** The guest has called `proxy_grpc_close`. */
  localClosed: boolean;
  remoteClosed: boolean;
}

/** The gRPC calls and streams of a root and of its streams; everything that comes of them goes to the root. */
export class GrpcCallouts {
  private readonly known = new Map<number, Entry>();
  /** Ended by the host, not yet closed by the guest; oldest first. */
  private readonly ended = new Set<number>();
  private initialMetadata: HeaderMap | undefined;
  private trailingMetadata: HeaderMap | undefined;
  private message: Buffer | undefined;

  constructor(private readonly root: RootContext) {}

  /** A call with one message each way. Undefined when it cannot be started; the id is consumed all the same. */
  startCall(request: GrpcRequest, message: Buffer): number | undefined {
    const id = this.start(CallKind.GrpcCall, request, (id) => new UnaryEvents(this, id));
    if (id !== undefined) this.known.get(id)!.exchange.send(message, true);
    return id;
  }

  startStream(request: GrpcRequest): number | undefined {
    return this.start(CallKind.GrpcStream, request, (id) => ({
      onInitialMetadata: (metadata) => this.onInitialMetadata(id, metadata),
      onMessage: (message) => this.onMessage(id, message),
      onTrailingMetadata: (metadata) => this.onTrailingMetadata(id, metadata),
      onClose: (status, text) => this.onClose(id, status, text),
    }));
  }

  private start(
    kind: CallKind,
    request: GrpcRequest,
    events: (id: number) => GrpcEvents,
  ): number | undefined {
    const { instance } = this.root;
    const id = instance.callIds.next(kind);
    const exchange = instance.deps.grpcCaller?.start(request, events(id));
    if (!exchange) return undefined;
    this.known.set(id, { exchange, localClosed: false, remoteClosed: false });
    return id;
  }

  // --- what the guest does

  send(id: number, message: Buffer, endStream: boolean): Status {
    if (callKind(id) !== CallKind.GrpcStream) return Status.BadArgument;
    const entry = this.known.get(id);
    if (!entry) return Status.NotFound;
    const taken = entry.remoteClosed || entry.exchange.send(message, endStream);
    return taken ? Status.Ok : Status.InternalFailure;
  }

  /** Ends the guest's side of a stream; the answers still come. A call is cancelled. */
  close(id: number): Status {
    if (callKind(id) !== CallKind.GrpcStream) return this.cancel(id);
    const entry = this.known.get(id);
    if (!entry) return Status.NotFound;
    if (entry.remoteClosed) this.forget(id);
    else {
      entry.localClosed = true;
      entry.exchange.close();
    }
    return Status.Ok;
  }

  /** Forgotten at once: no callback comes any more. */
  cancel(id: number): Status {
    const kind = callKind(id);
    if (kind !== CallKind.GrpcCall && kind !== CallKind.GrpcStream) return Status.BadArgument;
    const entry = this.known.get(id);
    if (!entry) return Status.NotFound;
    entry.exchange.cancel();
    this.forget(id);
    return Status.Ok;
  }

  private forget(id: number): void {
    this.known.delete(id);
    this.ended.delete(id);
  }

  // --- what comes of it

  private onInitialMetadata(id: number, metadata: HeaderMap): void {
    if (!this.listens(id)) return;
    this.initialMetadata = metadata;
    this.invoke("proxy_on_grpc_receive_initial_metadata", id, metadata.size);
    this.initialMetadata = undefined;
  }

  onMessage(id: number, message: Buffer): void {
    if (!this.listens(id)) return;
    this.message = message;
    this.invoke("proxy_on_grpc_receive", id, message.length);
    this.message = undefined;
    if (callKind(id) === CallKind.GrpcCall) this.forget(id);
  }

  private onTrailingMetadata(id: number, metadata: HeaderMap): void {
    if (!this.listens(id)) return;
    this.trailingMetadata = metadata;
    this.invoke("proxy_on_grpc_receive_trailing_metadata", id, metadata.size);
    this.trailingMetadata = undefined;
  }

  onClose(id: number, status: number, text: string): void {
    if (!this.listens(id)) return;
    const entry = this.known.get(id)!;
    entry.remoteClosed = true;
    this.ended.add(id);
    const code = status >>> 0;
    // A guest that does not listen does not have its status changed either.
    if (this.root.instance.vm.has("proxy_on_grpc_close"))
      this.root.callStatus.during(code, text, () => this.invoke("proxy_on_grpc_close", id, code));
    if (callKind(id) === CallKind.GrpcCall || entry.localClosed) this.forget(id);
    else if (this.ended.size > MAX_ENDED) this.forget(this.ended.values().next().value!);
  }

  private listens(id: number): boolean {
    return this.known.has(id) && !this.root.instance.failed;
  }

  private invoke(callback: GrpcCallback, id: number, value: number): void {
    this.root.instance.invoke(this.root, callback, id, value);
  }

  /** Maps 4 and 5 exist inside their own callbacks. */
  map(type: MapType): HeaderMap | undefined {
    if (type === MapType.GrpcReceiveInitialMetadata) return this.initialMetadata;
    if (type === MapType.GrpcReceiveTrailingMetadata) return this.trailingMetadata;
    return undefined;
  }

  /** Buffer 5, inside `proxy_on_grpc_receive`; as in Envoy the guest can change its copy. */
  buffer(): GuestBuffer | undefined {
    if (!this.message) return undefined;
    return {
      get: () => this.message!,
      set: (data) => {
        this.message = data;
      },
    };
  }

  /** Ends everything without telling the guest. */
  dispose(): void {
    for (const { exchange } of this.known.values()) exchange.cancel();
    this.known.clear();
    this.ended.clear();
  }
}

type GrpcCallback =
  | "proxy_on_grpc_receive_initial_metadata"
  | "proxy_on_grpc_receive"
  | "proxy_on_grpc_receive_trailing_metadata"
  | "proxy_on_grpc_close";

/** Of a call the guest hears one thing: its message (the last, if there are several), or how it failed. */
class UnaryEvents implements GrpcEvents {
  private message: Buffer | undefined;

  constructor(
    private readonly callouts: GrpcCallouts,
    private readonly id: number,
  ) {}

  onInitialMetadata(): void {}
  onTrailingMetadata(): void {}

  onMessage(message: Buffer): void {
    this.message = message;
  }

  onClose(status: number, text: string): void {
    if (status !== 0) this.callouts.onClose(this.id, status, text);
    else if (!this.message) this.callouts.onClose(this.id, INTERNAL, "");
    else this.callouts.onMessage(this.id, this.message);
  }
}
