import { BufferType } from "../../sdk/abi/buffer-type";
import type { MapType } from "../../sdk/abi/map-type";
import type { Timer } from "../clock";
import type { HeaderMap } from "../stores/header-map";
import { loggedMap, loggedScope } from "../stores/logged";
import type { PluginFacts, PropertyScope } from "../stores/properties";
import type { StreamInfo } from "../stores/stream-info";
import { CallStatus } from "./call-status";
import { Context, type GuestBuffer } from "./context";
import { GrpcCallouts } from "./grpc-callouts";
import { HttpCallouts } from "./http-callouts";
import type { Instance } from "./instance";
import { LifecycleEvent, Stage } from "./lifecycle";
import { NameCallouts } from "./name-callouts";

/** Joins the non-empty parts of a log prefix, each after a space. */
function logPrefix(...parts: string[]): string {
  return parts
    .filter((p) => p !== "")
    .map((p) => ` ${p}`)
    .join("");
}

/** A plugin's own context: configuration, timer, and the calls of all its streams. */
export class RootContext extends Context {
  readonly root = this;
  readonly logPrefix: string;
  /** The same for the streams of this plugin, which name it. */
  readonly streamLogPrefix: string;
  /** True while on_context_create or on_configure runs: buffer 7 can be read. */
  private configurationReadable = false;
  private timer: Timer | undefined;
  private streams = 0;
  private retired = false;
  /** The stream an access logger writes about, while it does. */
  private logged: StreamInfo | undefined;
  private periodMs = 0;
  readonly callStatus = new CallStatus();
  readonly httpCalls = new HttpCallouts(this);
  readonly grpcCalls = new GrpcCallouts(this);
  readonly names = new NameCallouts(this);

  constructor(
    instance: Instance,
    readonly plugin: PluginFacts,
    readonly configuration: Buffer,
  ) {
    super(instance);
    this.logPrefix = logPrefix(plugin.rootId, plugin.vmId);
    this.streamLogPrefix = logPrefix(plugin.name, plugin.rootId, plugin.vmId);
  }

  /** Creates, starts and configures this root in the guest; false = refused (or trapped: see the instance). */
  start(): boolean {
    const { instance } = this;
    this.configurationReadable = true;
    instance.invoke(this, "proxy_on_context_create", 0);
    this.configurationReadable = false;
    // Envoy does not count a trap in here as a refusal: it starts, with a VM that is failed.
    if (instance.failed) return true;
    const started = this.answerBool("proxy_on_vm_start", instance.deps.vmConfiguration.length);
    this.advance(LifecycleEvent.Start);
    return started && this.configure();
  }

  private configure(): boolean {
    this.configurationReadable = true;
    const accepted = this.answerBool("proxy_on_configure", this.configuration.length);
    this.configurationReadable = false;
    this.advance(LifecycleEvent.Configure);
    return accepted;
  }

  private answerBool(
    callback: "proxy_on_vm_start" | "proxy_on_configure" | "proxy_on_done",
    size = 0,
  ): boolean {
    if (this.instance.failed) return false;
    const result = this.instance.invoke(this, callback, size);
    return !this.instance.failed && result !== 0;
  }

  /** Timer of this root; 0 stops it, any other value re-arms it. */
  setTickPeriod(ms: number): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.periodMs = ms;
    this.arm();
  }

  private arm(): void {
    if (this.periodMs === 0 || this.stage === Stage.Deleted) return;
    this.timer = this.instance.deps.clock.setTimer(this.periodMs, () => {
      this.timer = undefined;
      if (this.instance.failed) return;
      this.instance.invoke(this, "proxy_on_tick");
      // The callback may have changed the period, which arms the timer itself.
      if (!this.timer) this.arm();
    });
  }

  /** An item was put into a queue this root registered; it may be gone already. */
  queueReady(queue: number): void {
    if (this.stage !== Stage.Deleted && !this.instance.failed)
      this.instance.invoke(this, "proxy_on_queue_ready", queue);
  }

  /** An access logger's entry: on_log, with a stream that has ended in place of one of its own. */
  log(info: StreamInfo): void {
    if (this.stage === Stage.Deleted || this.instance.failed) return;
    this.logged = info;
    this.instance.invoke(this, "proxy_on_log");
    this.logged = undefined;
  }

  /** Maps 4 to 7 exist while the outcome of a call is being told. */
  calloutMap(type: MapType): HeaderMap | undefined {
    return this.httpCalls.map(type) ?? this.grpcCalls.map(type);
  }

  /** Buffers that do not belong to a stream. */
  ownBuffer(type: BufferType): GuestBuffer | undefined {
    const { body } = this.httpCalls;
    if (type === BufferType.HttpCallResponseBody && body) return { get: () => body };
    if (type === BufferType.GrpcReceiveBuffer) return this.grpcCalls.buffer();
    const { answer } = this.names;
    if (type === BufferType.CallData && answer) return { get: () => answer };
    if (type === BufferType.VmConfiguration) return { get: () => this.instance.deps.vmConfiguration };
    if (type === BufferType.PluginConfiguration && this.configurationReadable)
      return { get: () => this.configuration };
    return undefined;
  }

  properties(): PropertyScope {
    return { plugin: this.plugin, stream: this.logged && loggedScope(this.logged) };
  }

  /** Of a stream being logged everything can be read and nothing set. */
  override get filterState(): undefined {
    return undefined;
  }

  override readableMap(type: MapType): HeaderMap | undefined {
    return (this.logged && loggedMap(this.logged, type)) ?? super.readableMap(type);
  }

  override get unavailableMapIsNotFound(): boolean {
    return this.logged !== undefined;
  }

  /** A stream context of this root has begun, or is gone. */
  streamBegun(): void {
    this.streams++;
  }

  streamGone(): void {
    this.streams--;
    if (this.retired && this.streams === 0) this.shutdown();
  }

  /** Nobody starts streams with this root any more; it shuts down when the last one is gone. */
  retire(): void {
    this.retired = true;
    if (this.streams === 0) this.shutdown();
  }

  /** Plugin removed or proxy shutting down: on_done, then on_delete unless the guest asks to wait for proxy_done. */
  shutdown(): void {
    if (this.stage === Stage.Deleted || this.stage === Stage.Closing) return;
    if (this.instance.failed) return this.dispose();
    if (this.answerBool("proxy_on_done")) this.finish();
    else this.advance(LifecycleEvent.Pending);
  }

  /** proxy_done from the guest; false when nothing is pending. */
  done(): boolean {
    if (this.stage !== Stage.Closing) return false;
    this.advance(LifecycleEvent.Done);
    this.instance.defer(this, () => this.delete());
    return true;
  }

  private finish(): void {
    this.advance(LifecycleEvent.Done);
    this.delete();
  }

  private delete(): void {
    this.instance.invoke(this, "proxy_on_delete");
    this.dispose();
  }

  /** Ends timers and calls without telling the guest: canaries, failed VMs, process exit. */
  dispose(): void {
    if (this.stage === Stage.Deleted) return;
    this.stage = Stage.Deleted;
    this.timer?.cancel();
    this.timer = undefined;
    this.httpCalls.dispose();
    this.grpcCalls.dispose();
    this.names.dispose();
    this.instance.forget(this);
  }
}
