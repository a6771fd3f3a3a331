import type { Clock } from "../clock";
import type { RootContext } from "../context/root-context";
import type { AccessLogger } from "../stream/access-logger";
import {
  DataStatus,
  type FilterCallbacks,
  type FilterFactory,
  HeadersStatus,
  type StreamFilter,
  TrailersStatus,
} from "../stream/filter";
import { HttpContext, type StreamPolicy } from "../stream/http-context";
import {
  type NetworkFilter,
  type NetworkFilterCallbacks,
  type NetworkFilterFactory,
  NetworkStatus,
} from "../stream/network-filter";
import { TcpContext } from "../stream/tcp-context";
import type { PluginConfig } from "./plugin-config";
import type { SharedVm } from "./shared-vm";

/** Stands in for a plugin whose VM is failed: every stream is answered 503 at once. */
class FailClosed implements StreamFilter {
  constructor(private readonly callbacks: FilterCallbacks) {}
  decodeHeaders(): HeadersStatus {
    this.callbacks.sendLocalReply({ status: 503, body: "", details: "wasm_fail_stream", grpcStatus: 14 });
    return HeadersStatus.StopAllIterationAndWatermark;
  }
  decodeData = () => DataStatus.StopIterationNoBuffer;
  decodeTrailers = () => TrailersStatus.StopIteration;
  encodeHeaders = () => HeadersStatus.Continue;
  encodeData = () => DataStatus.Continue;
  encodeTrailers = () => TrailersStatus.Continue;
  onLog(): void {}
  onDestroy(): void {}
}

/** Stands in for a plugin whose VM is failed: every connection is closed at once. */
class CloseConnection implements NetworkFilter {
  constructor(private readonly callbacks: NetworkFilterCallbacks) {}
  onNewConnection(): NetworkStatus {
    this.callbacks.close();
    return NetworkStatus.StopIteration;
  }
  onDownstreamData = () => NetworkStatus.Continue;
  onUpstreamData = () => NetworkStatus.Continue;
  onClose(): void {}
}

/** Streams are served by the first worker thread: the proxy of this project has one. */
const THREAD = 0;

/** A loaded plugin: makes a stream context per request, and decides what happens once its VM has failed. */
export class Plugin {
  readonly factory: FilterFactory;
  readonly networkFactory: NetworkFilterFactory;
  /** Of a failed VM there is no entry. */
  readonly accessLogger: AccessLogger = { log: (info) => this.liveRoot()?.log(info) };
  /** Absent when the worker has refused the plugin: streams then go without it, whatever the policy, as in Envoy. */
  private root: RootContext | undefined;
  private nextReload = 0n;
  private policy!: StreamPolicy;

  constructor(
    public config: PluginConfig,
    public vm: SharedVm,
    private readonly clock: Clock,
    private readonly jitter: () => number,
  ) {
    this.factory = { name: config.name, create: (callbacks) => this.create(callbacks) };
    this.networkFactory = { name: config.name, createNetwork: (callbacks) => this.createNetwork(callbacks) };
  }

  /** The worker threads are there. */
  start(): void {
    this.serve(this.vm.startOnWorkers(this.config)[THREAD]);
  }

  /** New streams get the roots of another configuration. */
  replace(config: PluginConfig, vm: SharedVm): void {
    this.config = config;
    this.vm = vm;
    this.start();
  }

  private serve(root: RootContext | undefined): void {
    this.root = root;
    this.policy = {
      passWhenFailed: this.config.failurePolicy === "fail-open-legacy",
      allowOnHeadersStopIteration: this.config.allowOnHeadersStopIteration,
    };
    this.nextReload = this.clock.monotonic() + this.backoff();
  }

  /** From the base interval to half as much again, nanoseconds. */
  private backoff(): bigint {
    return BigInt(Math.round(this.config.reloadBackoffMs * (1 + this.jitter() / 2) * 1e6));
  }

  private create(callbacks: FilterCallbacks): StreamFilter | undefined {
    const root = this.liveRoot();
    if (root) return new HttpContext(root, callbacks, this.policy);
    return this.failsOpen || !this.root ? undefined : new FailClosed(callbacks);
  }

  private createNetwork(callbacks: NetworkFilterCallbacks): NetworkFilter | undefined {
    const root = this.liveRoot();
    if (root) return new TcpContext(root, callbacks, this.policy.passWhenFailed);
    return this.failsOpen || !this.root ? undefined : new CloseConnection(callbacks);
  }

  private get failsOpen(): boolean {
    const { failurePolicy: policy } = this.config;
    return policy === "fail-open" || policy === "fail-open-legacy";
  }

  /** The root of a VM that works: reloaded first when the policy and the back-off allow it. */
  private liveRoot(): RootContext | undefined {
    const { root } = this;
    if (!root?.instance.failed) return root;
    if (this.config.failurePolicy !== "fail-reload" || this.clock.monotonic() < this.nextReload)
      return undefined;
    const fresh = this.vm.startOnWorker(THREAD, this.config);
    this.serve(fresh ?? root);
    return fresh;
  }
}
