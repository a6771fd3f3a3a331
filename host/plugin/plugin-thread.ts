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

/** What the threads of one plugin share. */
export interface PluginHome {
  readonly config: PluginConfig;
  readonly clock: Clock;
  /** From 0 to below 1: how far a back-off is drawn out. */
  readonly jitter: () => number;
  /** The root in a fresh instance of the thread's VM; undefined when it is refused there. */
  startOn(thread: number): RootContext | undefined;
}

/** A plugin on one worker thread: makes a context per stream, and decides what happens once its VM has failed. */
export class PluginThread {
  readonly factory: FilterFactory;
  readonly networkFactory: NetworkFilterFactory;
  /** Of a failed VM there is no entry. */
  readonly accessLogger: AccessLogger = { log: (info) => this.liveRoot()?.log(info) };
  /** Absent when the worker has refused the plugin: streams then go without it, whatever the policy, as in Envoy. */
  private root: RootContext | undefined;
  private nextReload = 0n;
  private policy!: StreamPolicy;

  constructor(
    private readonly home: PluginHome,
    private readonly thread: number,
  ) {
    const { name } = home.config;
    this.factory = { name, create: (callbacks) => this.create(callbacks) };
    this.networkFactory = { name, createNetwork: (callbacks) => this.createNetwork(callbacks) };
  }

  /** New streams get contexts under this root. */
  serve(root: RootContext | undefined): void {
    const { config, clock } = this.home;
    this.root = root;
    this.policy = {
      passWhenFailed: config.failurePolicy === "fail-open-legacy",
      allowOnHeadersStopIteration: config.allowOnHeadersStopIteration,
    };
    this.nextReload = clock.monotonic() + this.backoff();
  }

  /** From the base interval to half as much again, nanoseconds. */
  private backoff(): bigint {
    const { config, jitter } = this.home;
    return BigInt(Math.round(config.reloadBackoffMs * (1 + jitter() / 2) * 1e6));
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
    const { failurePolicy: policy } = this.home.config;
    return policy === "fail-open" || policy === "fail-open-legacy";
  }

  /** The root of a VM that works: reloaded first when the policy and the back-off allow it. */
  private liveRoot(): RootContext | undefined {
    const { root, home } = this;
    if (!root?.instance.failed) return root;
    if (home.config.failurePolicy !== "fail-reload" || home.clock.monotonic() < this.nextReload)
      return undefined;
    const fresh = home.startOn(this.thread);
    this.serve(fresh ?? root);
    return fresh;
  }
}
