import type { Settings } from "node:http2";
import type { TlsOptions } from "node:tls";
import { afterAll, beforeAll, test } from "vitest";
import * as build from "./bootstrap";
import {
  describeEngines,
  type EngineUnderTest,
  type ProxyUnderTest,
  type StartOptions,
} from "./describe-engines";
import { guest } from "./guests";
import { type Http2Handler, Http2Upstream } from "./http2-upstream";
import { fenceListener, PluginLog } from "./plugin-log";
import { exchange, RawClient, type RawRequest, type RawResponse } from "./raw-client";
import { answerOk, RawUpstream, type UpstreamHandler } from "./raw-upstream";
import { recordRoot } from "./recorder";
import { TlsFront } from "./tls-front";

/** How the proxy is configured for one behaviour; everything has a plain default. */
export interface Setup {
  /** Script of the puppet filter (test/guests/README.md), or several filters in chain order; none = no wasm filter. */
  script?: string | readonly string[] | ((id: string) => string);
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
  /** Scripts of access loggers: puppets of the same root id, each with a VM of its own. */
  loggers?: readonly string[];
  virtualHost?: build.Json;
  filterChain?: build.Json;
  listener?: build.Json;
  /** More fields of the behaviour's cluster; a function is given the upstream's port. */
  cluster?: build.Json | ((port: number) => build.Json);
  /** The cluster leads nowhere: connections are refused. */
  dead?: boolean;
  upstream?: UpstreamHandler;
  /** The upstreams stand behind TLS. */
  upstreamTls?: TlsOptions;
  /** A second upstream, which speaks HTTP/2; its cluster is called like the behaviour with `-h2` behind. */
  http2?: Http2Handler;
  /** More fields of that cluster. */
  http2Cluster?: build.Json;
  /** What that upstream says of itself. */
  http2Settings?: Settings;
}

/** Nobody listens on this port of the loopback interface. */
const DEAD_PORT = 1;

/** One behaviour while it is tested. */
export class Behaviour extends PluginLog {
  upstream!: RawUpstream;
  http2!: Http2Upstream;
  /** TLS in front of the upstreams, where it is asked for. */
  front!: TlsFront;
  http2Front!: TlsFront;

  constructor(
    id: string,
    readonly setup: Setup,
  ) {
    super(id);
  }

  /** One request on a connection of its own. */
  exchange(request: RawRequest = {}): Promise<RawResponse> {
    return exchange(this.port, request);
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.port);
  }

  async listener(): Promise<build.Json> {
    const { setup, id } = this;
    const script = typeof setup.script === "function" ? setup.script(id) : (setup.script ?? []);
    const scripts = typeof script === "string" ? [script] : script;
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
    const loggers = (setup.loggers ?? []).map((script, at) =>
      build.wasmAccessLog({
        name: `${id}-log`,
        rootId: id,
        vmId: `${id}-log-${at}`,
        wasm,
        configuration: script,
      }),
    );
    const routes = setup.routes?.(id) ?? [{ match: { prefix: "/" }, route: { cluster: id } }];
    const { manager, virtualHost, filterChain, listener } = setup;
    return build.httpListener({
      name: id,
      filters,
      routes,
      manager: { ...(loggers.length > 0 && { access_log: loggers }), ...manager },
      ...(virtualHost && { virtualHost }),
      ...(filterChain && { filterChain }),
      ...(listener && { listener }),
    });
  }

  clusters(): build.Json[] {
    const { id } = this;
    const { cluster, dead, http2 } = this.setup;
    const port = dead ? DEAD_PORT : (this.front ?? this.upstream).port;
    const own = build.cluster(id, port, typeof cluster === "function" ? cluster(port) : cluster);
    return http2
      ? [
          own,
          build.cluster(`${id}-h2`, (this.http2Front ?? this.http2).port, {
            ...build.CLUSTER_HTTP2,
            ...(this.http2Front && (cluster as build.Json)),
            ...this.setup.http2Cluster,
          }),
        ]
      : [own];
  }
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
        test.concurrent(name, async (context) => {
          await run(behaviour);
          recordRoot(context, behaviour.id);
        });
      },
    });
    if (behaviours.length === 0) return;
    beforeAll(async () => {
      for (const behaviour of behaviours) {
        behaviour.upstream = await RawUpstream.start(behaviour.setup.upstream ?? answerOk);
        const { upstreamTls, http2, http2Settings } = behaviour.setup;
        if (http2) behaviour.http2 = await Http2Upstream.start(http2, http2Settings);
        if (!upstreamTls) continue;
        behaviour.front = await TlsFront.start(behaviour.upstream.server, upstreamTls);
        if (behaviour.http2) behaviour.http2Front = await TlsFront.start(behaviour.http2.server, upstreamTls);
      }
      const { bootstrap: more, ...start } = options;
      const listeners = await Promise.all(behaviours.map((behaviour) => behaviour.listener()));
      listeners.push(await fenceListener());
      const clusters = behaviours.flatMap((behaviour) => behaviour.clusters());
      clusters.push(build.cluster("dead", DEAD_PORT), EMPTY_CLUSTER);
      proxy = await engine.start(build.bootstrap({ listeners, clusters, ...(more && { more }) }), start);
      for (const behaviour of behaviours) behaviour.proxy = proxy;
    });
    afterAll(() =>
      Promise.all(
        behaviours.flatMap((b) => [b.upstream, b.http2, b.front, b.http2Front].map((one) => one?.close())),
      ),
    );
  });
}

const EMPTY_CLUSTER: build.Json = { name: "empty", type: "STATIC", connect_timeout: "1s" };
