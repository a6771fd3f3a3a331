import { afterAll, beforeAll, test } from "vitest";
import * as build from "./bootstrap";
import { describeEngines, type EngineUnderTest, type StartOptions } from "./describe-engines";
import { guest } from "./guests";
import { fenceListener, PluginLog } from "./plugin-log";
import { RawUpstream } from "./raw-upstream";
import { recordRoot } from "./recorder";
import { TcpPeer, TcpUpstream } from "./tcp-peer";

/** How the proxy is configured for one TCP behaviour. */
export interface TcpSetup {
  /** Script of the puppet filter (test/guests/README.md), or several filters in chain order. */
  script: string | readonly string[];
  /** More fields of every PluginConfig, of the TCP proxy, of the filter chain, of the listener, of the cluster. */
  plugin?: build.Json;
  proxy?: build.Json;
  filterChain?: build.Json;
  listener?: build.Json;
  cluster?: build.Json | ((port: number) => build.Json);
  /** What the upstream does with a new connection; by default it waits for the test. */
  upstream?: (peer: TcpPeer) => void;
  /** The cluster leads nowhere: connections are refused. */
  dead?: boolean;
}

const DEAD_PORT = 1;

/** Callbacks that belong to the plugin, not to a connection. */
const ROOT = /^> (vm_start|configure|tick|http_call_response|context_create \d+ 0)\b/;

/** One behaviour while it is tested. */
export class TcpBehaviour extends PluginLog {
  upstream!: TcpUpstream;
  /** Answers the calls of filters: cluster `http`. */
  http!: RawUpstream;

  constructor(
    id: string,
    readonly setup: TcpSetup,
  ) {
    super(id);
  }

  connect(): Promise<TcpPeer> {
    return TcpPeer.connect(this.port);
  }

  /** A client with its connection at the upstream. */
  async pair(): Promise<{ client: TcpPeer; upstream: TcpPeer }> {
    const index = this.upstream.connections.length;
    return { client: await this.connect(), upstream: await this.upstream.connection(index) };
  }

  /** A message to come, or past, that is exactly this. */
  says(text: string): Promise<string> {
    return this.message((message) => message === text, text);
  }

  /** The first callback of that name, as `name argument...` without the context. */
  async called(name: string): Promise<string> {
    return withoutContext(await this.message((m) => m.startsWith(`> ${name} `) && !ROOT.test(m), name));
  }

  /** Traced callbacks of connections so far, as `name argument...` without the context. */
  async trace(): Promise<string[]> {
    return (await this.messages()).filter((m) => m.startsWith("> ") && !ROOT.test(m)).map(withoutContext);
  }

  /** All callbacks of a connection that has ended. */
  async wholeTrace(): Promise<string[]> {
    await this.called("delete");
    return this.trace();
  }

  async listener(): Promise<build.Json> {
    const { setup, id } = this;
    const scripts = typeof setup.script === "string" ? [setup.script] : setup.script;
    const wasm = await guest("puppet");
    const filters = scripts.map((script, at) =>
      build.networkWasmFilter({
        name: at === 0 ? id : `${id}-${at + 1}`,
        rootId: id,
        vmId: id,
        wasm,
        configuration: script.replaceAll("{id}", id),
        ...(setup.plugin && { plugin: setup.plugin }),
      }),
    );
    const { proxy, filterChain, listener } = setup;
    return build.tcpListener({
      name: id,
      filters,
      ...(proxy && { proxy }),
      ...(filterChain && { filterChain }),
      ...(listener && { listener }),
    });
  }

  cluster(): build.Json {
    const { dead, cluster } = this.setup;
    const port = dead ? DEAD_PORT : this.upstream.port;
    return build.cluster(this.id, port, typeof cluster === "function" ? cluster(port) : cluster);
  }
}

/** `> name context argument...` as `name argument...`. */
function withoutContext(message: string): string {
  const [, name, , ...rest] = message.split(" ");
  return [name, ...rest].join(" ").replace(/^context_create \d+$/, "context_create");
}

export interface TcpSection {
  engine: EngineUnderTest;
  /** Declares one behaviour: a listener of its own in the section's proxy, and the test of it. */
  behaviour(name: string, setup: TcpSetup, run: (behaviour: TcpBehaviour) => Promise<void>): void;
}

/** A section of TCP behaviours: one proxy an engine, with one listener a behaviour. */
export function tcpConformance(
  title: string,
  body: (section: TcpSection) => void,
  options: StartOptions = {},
): void {
  describeEngines(title, (engine) => {
    const behaviours: TcpBehaviour[] = [];
    let http: RawUpstream | undefined;
    body({
      engine,
      behaviour(name, setup, run) {
        const behaviour = new TcpBehaviour(`b${behaviours.length + 1}`, setup);
        behaviours.push(behaviour);
        test.concurrent(name, async (context) => {
          await run(behaviour);
          recordRoot(context, behaviour.id);
        });
      },
    });
    if (behaviours.length === 0) return;
    beforeAll(async () => {
      http = await RawUpstream.start();
      for (const behaviour of behaviours)
        behaviour.upstream = await TcpUpstream.start(behaviour.setup.upstream);
      const listeners = await Promise.all(behaviours.map((behaviour) => behaviour.listener()));
      listeners.push(await fenceListener());
      const clusters = behaviours.map((behaviour) => behaviour.cluster());
      clusters.push(build.cluster("http", http.port));
      const proxy = await engine.start(build.bootstrap({ listeners, clusters }), options);
      for (const behaviour of behaviours) Object.assign(behaviour, { proxy, http });
    });
    afterAll(() =>
      Promise.all([http?.close(), ...behaviours.map((behaviour) => behaviour.upstream?.close())]),
    );
  });
}
