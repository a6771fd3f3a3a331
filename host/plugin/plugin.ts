import { LogLevel } from "../../sdk/abi/log-level";
import type { RootContext } from "../context/root-context";
import {
  DataStatus,
  type FilterCallbacks,
  type FilterFactory,
  HeadersStatus,
  type StreamFilter,
  TrailersStatus,
} from "../stream/filter";
import { HttpContext } from "../stream/http-context";
import {
  type NetworkFilter,
  type NetworkFilterCallbacks,
  type NetworkFilterFactory,
  NetworkStatus,
} from "../stream/network-filter";
import { TcpContext } from "../stream/tcp-context";
import type { PluginConfig } from "./plugin-config";
import type { VmGroup, VmSlot } from "./vm-group";

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

/** A loaded plugin: makes a stream context per request, and decides what happens once its VM has failed. */
export class Plugin {
  readonly factory: FilterFactory;
  readonly networkFactory: NetworkFilterFactory;
  private nextReload: bigint;

  constructor(
    private readonly config: PluginConfig,
    private readonly group: VmGroup,
    first: VmSlot,
    private readonly replaceWorker: (slot: VmSlot) => void,
    private readonly worker: () => VmSlot,
  ) {
    this.nextReload = first.loadedAt + this.backoff();
    this.factory = { name: config.name, create: (callbacks) => this.create(callbacks) };
    this.networkFactory = { name: config.name, createNetwork: (callbacks) => this.createNetwork(callbacks) };
  }

  /** Base interval jittered up, nanoseconds. */
  private backoff(): bigint {
    return BigInt(Math.round(this.config.reloadBackoffMs * 1e6));
  }

  private create(callbacks: FilterCallbacks): StreamFilter | undefined {
    const policy = this.config.failurePolicy;
    const root = this.liveRoot();
    if (root)
      return new HttpContext(root, callbacks, {
        passWhenFailed: policy === "fail-open-legacy",
        allowOnHeadersStopIteration: this.config.allowOnHeadersStopIteration,
      });
    return this.failsOpen ? undefined : new FailClosed(callbacks);
  }

  private createNetwork(callbacks: NetworkFilterCallbacks): NetworkFilter | undefined {
    const root = this.liveRoot();
    if (root) return new TcpContext(root, callbacks, this.config.failurePolicy === "fail-open-legacy");
    return this.failsOpen ? undefined : new CloseConnection(callbacks);
  }

  private get failsOpen(): boolean {
    const { failurePolicy: policy } = this.config;
    return policy === "fail-open" || policy === "fail-open-legacy";
  }

  /** The root of a VM that works: reloaded first when the policy and the back-off allow it. */
  private liveRoot(): RootContext | undefined {
    const slot = this.worker();
    if (!slot.instance.failed) return this.rootOf(slot);
    if (this.config.failurePolicy !== "fail-reload") return undefined;
    const now = slot.instance.deps.clock.monotonic();
    if (now < this.nextReload) return undefined;
    this.nextReload = now + this.backoff();
    return this.reload(slot);
  }

  private reload(failed: VmSlot): RootContext | undefined {
    try {
      const fresh = this.group.open();
      failed.dispose();
      this.replaceWorker(fresh);
      return this.group.root(fresh, this.config);
    } catch (error) {
      const { log } = failed.instance.deps;
      log.log("wasm", LogLevel.Error, "host/plugin/plugin.ts", `reload failed: ${(error as Error).message}`);
      return undefined;
    }
  }

  private rootOf(slot: VmSlot): RootContext | undefined {
    try {
      return this.group.root(slot, this.config);
    } catch {
      return undefined;
    }
  }
}
