import { afterAll, beforeAll, test } from "vitest";
import * as build from "./bootstrap";
import {
  describeEngines,
  type EngineUnderTest,
  type ProxyUnderTest,
  type StartOptions,
} from "./describe-engines";
import { guest } from "./guests";
import { exchange, RawClient, type RawRequest, type RawResponse } from "./raw-client";
import { answerOk, RawUpstream, type UpstreamHandler } from "./raw-upstream";

/** How the proxy is configured for one behaviour; everything has a plain default. */
export interface Setup {
  /** Script of the puppet filter (test/guests/README.md), or several filters in chain order; none = no wasm filter. */
  script?: string | readonly string[];
  /** ABI version of the puppets' module; 0.2.1 by default. */
  abi?: "0.1.0" | "0.2.0";
  /** More fields of every PluginConfig, of every VmConfig. */
  plugin?: build.Json;
  vm?: build.Json;
  /** The puppets' VM; each behaviour has one of its own by default. */
  vmId?: string;
  /** Routes; by default everything goes to the cluster named like the behaviour. */
  routes?: (id: string) => readonly build.Json[];
  manager?: build.Json;
  virtualHost?: build.Json;
  filterChain?: build.Json;
  listener?: build.Json;
  /** More fields of the behaviour's cluster; a function is given the upstream's port. */
  cluster?: build.Json | ((port: number) => build.Json);
  /** The cluster leads nowhere: connections are refused. */
  dead?: boolean;
  upstream?: UpstreamHandler;
}

/** Nobody listens on this port of the loopback interface. */
const DEAD_PORT = 1;

/** One behaviour while it is tested. */
export class Behaviour {
  proxy!: ProxyUnderTest;
  upstream!: RawUpstream;

  constructor(
    /** Name of its listener, cluster, plugin, root and VM. */
    readonly id: string,
    readonly setup: Setup,
  ) {}

  get port(): number {
    return this.proxy.port(this.id);
  }

  /** One request on a connection of its own. */
  exchange(request: RawRequest = {}): Promise<RawResponse> {
    return exchange(this.port, request);
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.port);
  }

  /** What this behaviour's plugins have logged, prefix removed: everything up to now, also what is still under way. */
  async messages(): Promise<string[]> {
    await fence(this.proxy);
    return ownMessages(this.proxy.log.lines, this.id);
  }

  /** The first message that satisfies the test, past or to come. */
  message(wanted: (message: string) => boolean, what = "a message"): Promise<string> {
    return this.proxy.log.waitFor((lines) => ownMessages(lines, this.id).find(wanted), what);
  }

  /** `STATUS VALUE` of the first hostcall a script stored under this name. */
  async logged(name: string): Promise<string> {
    const start = `${name}=`;
    return (await this.message((message) => message.startsWith(start), start)).slice(start.length);
  }

  /** Every `STATUS VALUE` stored under this name so far. */
  async allLogged(name: string): Promise<string[]> {
    const start = `${name}=`;
    return (await this.messages())
      .filter((message) => message.startsWith(start))
      .map((message) => message.slice(start.length));
  }

  /** Names of the traced callbacks so far, without arguments. */
  async callbacks(): Promise<string[]> {
    return (await this.messages())
      .filter((message) => message.startsWith("> "))
      .map((message) => message.split(" ")[1]!);
  }

  async listener(): Promise<build.Json> {
    const { setup, id } = this;
    const scripts = typeof setup.script === "string" ? [setup.script] : (setup.script ?? []);
    const wasm = await guest(setup.abi ? `puppet-${setup.abi.replaceAll(".", "-")}` : "puppet");
    const filters = scripts.map((script, at) =>
      build.wasmFilter({
        name: at === 0 ? id : `${id}-${at + 1}`,
        rootId: id,
        vmId: setup.vmId ?? id,
        wasm,
        configuration: script.replaceAll("{id}", id),
        ...(setup.plugin && { plugin: setup.plugin }),
        ...(setup.vm && { vm: setup.vm }),
      }),
    );
    const routes = setup.routes?.(id) ?? [{ match: { prefix: "/" }, route: { cluster: id } }];
    const { manager, virtualHost, filterChain, listener } = setup;
    return build.httpListener({
      name: id,
      filters,
      routes,
      ...(manager && { manager }),
      ...(virtualHost && { virtualHost }),
      ...(filterChain && { filterChain }),
      ...(listener && { listener }),
    });
  }

  cluster(): build.Json {
    const { cluster, dead } = this.setup;
    const port = dead ? DEAD_PORT : this.upstream.port;
    return build.cluster(this.id, port, typeof cluster === "function" ? cluster(port) : cluster);
  }
}

const FENCE = "fence";
let fences = 0;

/**
 * Sends a request through the section's own fence listener and waits for its log line. The proxy has one worker that writes
 * its log in order: whatever happened before has been logged then.
 */
async function fence(proxy: ProxyUnderTest): Promise<void> {
  const token = `${FENCE}-${++fences}`;
  await exchange(proxy.port(FENCE), { headers: [["x-fence", token]] });
  const line = `wasm log ${FENCE} ${FENCE} ${FENCE}: seen=0 ${token}`;
  await proxy.log.waitFor((lines) => lines.find(({ message }) => message === line), token);
}

async function fenceListener(): Promise<build.Json> {
  const filter = build.wasmFilter({
    name: FENCE,
    rootId: FENCE,
    vmId: FENCE,
    wasm: await guest("puppet"),
    configuration: "on request_headers\n seen = get 0 x-fence",
  });
  const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
  return build.httpListener({ name: FENCE, filters: [filter], routes });
}

function ownMessages(lines: readonly { component: string; message: string }[], id: string): string[] {
  const messages: string[] = [];
  for (const { component, message } of lines) {
    if (component !== "wasm") continue;
    const match = /^wasm log ([^:]*): (.*)$/s.exec(message);
    if (match && match[1]!.split(" ").includes(id)) messages.push(match[2]!);
  }
  return messages;
}

export interface Section {
  engine: EngineUnderTest;
  /** Declares one behaviour: a listener of its own in the section's proxy, and the test of it. */
  behaviour(name: string, setup: Setup, run: (behaviour: Behaviour) => Promise<void>): void;
  /** The section's proxy, once its tests run. */
  proxy(): ProxyUnderTest;
}

/** A section of the conformance suite: one proxy an engine, with one listener a behaviour. */
export function conformance(
  title: string,
  body: (section: Section) => void,
  options: StartOptions & { bootstrap?: build.Json } = {},
): void {
  describeEngines(title, (engine) => {
    const behaviours: Behaviour[] = [];
    let proxy: ProxyUnderTest | undefined;
    body({
      engine,
      proxy: () => proxy!,
      behaviour(name, setup, run) {
        const behaviour = new Behaviour(`b${behaviours.length + 1}`, setup);
        behaviours.push(behaviour);
        // Behaviours share nothing but the proxy: those that wait do not hold up the others.
        test.concurrent(name, () => run(behaviour));
      },
    });
    if (behaviours.length === 0) return;
    beforeAll(async () => {
      for (const behaviour of behaviours)
        behaviour.upstream = await RawUpstream.start(behaviour.setup.upstream ?? answerOk);
      const { bootstrap: more, ...start } = options;
      const listeners = await Promise.all(behaviours.map((behaviour) => behaviour.listener()));
      listeners.push(await fenceListener());
      const clusters = behaviours.map((behaviour) => behaviour.cluster());
      clusters.push(build.cluster("dead", DEAD_PORT), EMPTY_CLUSTER);
      proxy = await engine.start(build.bootstrap({ listeners, clusters, ...(more && { more }) }), start);
      for (const behaviour of behaviours) behaviour.proxy = proxy;
    });
    afterAll(() => Promise.all(behaviours.map((behaviour) => behaviour.upstream?.close())));
  });
}

const EMPTY_CLUSTER: build.Json = { name: "empty", type: "STATIC", connect_timeout: "1s" };
