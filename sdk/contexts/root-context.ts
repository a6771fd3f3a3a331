import { Context } from "./context";
import { StreamContext } from "./stream-context";

/**
 * One configured plugin. Every `configuration` in the proxy's file gets a root context of its own, also when several
 * share a VM; the streams of that plugin reach it as `this.root`. Subclass it to hold the parsed configuration.
 */
export class RootContext extends Context {
  /** @internal */
  next: RootContext | null = null;
  /** @internal Makes the context of a new stream of this plugin. */
  createStream: (() => StreamContext) | null = null;
  /** @internal The same for TCP, when the plugin's name stands for filters of both kinds. */
  createConnection: (() => StreamContext) | null = null;
  /** `root_id` of the plugin, or the name of the only registered filter when it is empty. */
  rootId: string = "";

  /**
   * Reads the plugin's configuration, once, before any stream.
   * @param config the text as configured; "" when there is none
   * @returns null to accept; a text, even "", refuses the configuration and is logged as the reason
   */
  onConfigure(config: string): string | null {
    return null;
  }

  /** Reads the VM's configuration before `onConfigure`; the result is as there. */
  onVmStart(config: string): string | null {
    return null;
  }

  /** The timer set by `setTickPeriod` has come round. */
  onTick(): void {}

  /** Someone put an item into a queue this plugin registered; it may have been taken already. */
  onQueueReady(queueId: u32): void {}

  /**
   * The proxy calls the plugin, in proxies with extensions of their own (Envoy as released never does). The argument is
   * `proxyBuffer(BufferType.CallData)`.
   */
  onForeignFunction(functionId: u32): void {}

  /** The plugin is going away. False keeps it (timers and calls go on) until `done()` is called. */
  onDone(): bool {
    return true;
  }

  /** Write a log entry: only when the plugin is used as an access logger. */
  onLog(): void {}

  /** The last callback. */
  onDelete(): void {}
}

/**
 * Root of a filter that is registered without one. Global, because asc looks a default type parameter up where the
 * function is called, which is the author's file.
 */
@global
export class PlainRoot extends RootContext {}
