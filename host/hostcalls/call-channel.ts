import { channel } from "node:diagnostics_channel";
import type { CallbackName } from "../abi/callbacks";
import type { HostcallName } from "../abi/hostcalls";
import type { WasiName } from "../abi/wasi";
import type { Instance } from "../context/instance";

/** Published on the diagnostics channel `proxy-wasm-toolkit:call` whenever host or guest call each other. */
export interface CallMessage {
  readonly name: CallbackName | HostcallName | WasiName;
  /** `root_id` of the plugin whose callback runs, undefined in start code. */
  readonly rootId: string | undefined;
  readonly vmId: string;
}

const calls = channel("proxy-wasm-toolkit:call");

/** The function, made to publish its calls if anybody listens now; nobody pays for a channel without subscribers. */
export function published<T>(instance: Instance, name: CallMessage["name"], run: T): T {
  if (!calls.hasSubscribers) return run;
  const call = run as (...args: unknown[]) => unknown;
  const publishing = (...args: unknown[]) => {
    const message: CallMessage = {
      name,
      rootId: instance.caller?.root.plugin.rootId,
      vmId: instance.deps.vmId,
    };
    calls.publish(message);
    return call(...args);
  };
  return publishing as T;
}
