import { loadBootstrap } from "../config/index";
import type { Bootstrap, ListenerConfig } from "../config/model";
import type { EngineOptions } from "../engine";
import { isSecret } from "../hostcalls/trace-text";
import { scenarioOf } from "./export";
import type { InspectorState } from "./model";
import type { RecordedStream } from "./recorded-stream";
import { Recorder } from "./recorder";
import { InspectorServer } from "./server";
import { EnvoyTwin } from "./twin";

/**
 * Watches a Node proxy and serves a page about it.
 *
 * @example
 * const inspector = new Inspector(options);
 * await nodeEngine.start({ ...options, watcher: inspector.recorder });
 * console.log(await inspector.listen(0));
 */
export class Inspector {
  readonly recorder: Recorder;
  readonly twin: EnvoyTwin;
  /** Header values that the page and exported files do not show. */
  readonly hide: (name: string) => boolean;
  private readonly bootstrap: Bootstrap;
  private server: InspectorServer | undefined;

  /** Reads the file as the engine does. Throws ConfigError. */
  constructor(private readonly options: EngineOptions) {
    const { configPath, set = [], lenient = false, trace } = options;
    this.bootstrap = loadBootstrap(configPath, { set, lenient }).bootstrap;
    this.recorder = new Recorder({ full: trace === "full" });
    this.hide = trace === "full" ? () => false : isSecret;
    const { listeners, admin } = this.bootstrap;
    this.twin = new EnvoyTwin(options, [
      ...[...new Set(listeners.map(({ index }) => index))].map(
        (i) => `static_resources.listeners[${i}].address.socket_address.port_value=0`,
      ),
      ...(admin ? ["admin.address.socket_address.port_value=0"] : []),
    ]);
  }

  /** Serves the page on loopback and answers its address. Rejects with StartError. */
  async listen(port: number): Promise<string> {
    this.server = new InspectorServer(this);
    return this.server.listen(port);
  }

  get state(): InspectorState {
    const { listeners } = this.bootstrap;
    return {
      file: this.options.configPath,
      listeners: [...new Set(listeners.map(({ name }) => name))],
      pauseOnTrap: this.recorder.pauseOnTrap,
      streams: this.recorder.all.map((stream) => stream.summary),
    };
  }

  /** The stream as a scenario file for `proxy-wasm test`. */
  scenario(stream: RecordedStream): string {
    const listener = this.bootstrap.listeners.find(({ name }) => name === stream.listener);
    return scenarioOf(stream, listener ? pluginsOf(listener) : [], this.hide);
  }

  /** Lets everything go on that a pause holds, and ends the server and the Envoy beside it. */
  async close(): Promise<void> {
    this.recorder.pauseOnTrap = false;
    for (const stream of this.recorder.all) stream.resume();
    this.server?.close();
    await this.twin.close();
  }
}

function pluginsOf(listener: ListenerConfig) {
  if (listener.kind !== "http") return [];
  return listener.http.httpFilters.flatMap((filter) => (filter.kind === "wasm" ? [filter.plugin] : []));
}
