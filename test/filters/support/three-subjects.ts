import { resolve } from "node:path";
import { expect } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream, type UpstreamHandler } from "../../support/raw-upstream";
import { moduleFile } from "./module-file";
import { type Probe, probe, type Seen } from "./subjects";

/** One configuration of ours, and Envoy's own filters for the same thing. */
export interface Case {
  name: string;
  ours: object;
  native: readonly build.Json[];
  /** What its listeners are besides, e.g. fields of the connection manager. */
  listener?: Partial<build.HttpListener>;
}

/** A listener whose answers carry their details in a header. */
export function detailed(
  name: string,
  filters: readonly build.Json[],
  details: string,
  more: Partial<build.HttpListener> = {},
): build.Json {
  return build.httpListener({
    name,
    filters: [
      build.wasmFilter({ name: "details", wasm: details, rootId: "details", vmId: "details" }),
      ...filters,
    ],
    routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
    ...more,
  });
}

export function ours(configuration: object): build.Json {
  return build.wasmFilter({
    name: "authz",
    wasm: resolve("build/filters/authz.wasm"),
    rootId: "authz",
    vmId: "authz",
    configuration: JSON.stringify(configuration),
  });
}

/** How requests are sent. */
export type Ask<T extends Probe> = (port: number, probes: readonly T[]) => Promise<Seen[]>;

/** One script of traffic on three subjects: our module on both engines, and Envoy's own filter. */
export class ThreeSubjects {
  readonly node = new EngineUnderTest("node");
  readonly envoy = new EngineUnderTest("envoy");
  proxies: Record<"node" | "envoy", ProxyUnderTest> | undefined;
  private upstream: RawUpstream | undefined;
  private ports: ((subject: "node" | "wasm" | "native", at: number) => number) | undefined;
  denied = 0;
  passed = 0;

  constructor(
    private readonly cases: readonly Case[],
    private readonly handler?: UpstreamHandler,
    private readonly listener: Partial<build.HttpListener> = {},
  ) {}

  /** `more` are clusters beside the application's. */
  async start(more: readonly build.Json[] = []): Promise<void> {
    this.upstream = await RawUpstream.start(this.handler);
    const details = await moduleFile("test/filters/guests/details");
    const clusters = [build.cluster("app", this.upstream.port), ...more];
    const listener = (each: Case) => ({ ...this.listener, ...each.listener });
    const wasm = this.cases.map((each, i) =>
      detailed(`wasm-${i}`, [ours(each.ours)], details, listener(each)),
    );
    const native = this.cases.map((each, i) => detailed(`native-${i}`, each.native, details, listener(each)));
    const node = await this.node.start(build.bootstrap({ listeners: wasm, clusters }));
    const envoy = await this.envoy.start(build.bootstrap({ listeners: [...wasm, ...native], clusters }));
    this.proxies = { node, envoy };
    this.ports = (subject, at) =>
      subject === "node" ? node.port(`wasm-${at}`) : envoy.port(`${subject}-${at}`);
  }

  async stop(): Promise<void> {
    await Promise.all([this.node.cleanUp(), this.envoy.cleanUp()]);
    await this.upstream?.close();
  }

  /** What one of them answers. */
  ask<T extends Probe>(
    subject: "node" | "wasm" | "native",
    at: number,
    probes: readonly T[],
    ask: Ask<T> = probe,
  ): Promise<Seen[]> {
    return ask(this.ports!(subject, at), probes);
  }

  /** Each request gets the same answer from all three. */
  async compare<T extends Probe>(at: number, probes: readonly T[], ask: Ask<T> = probe): Promise<void> {
    const native = await this.ask("native", at, probes, ask);
    const answers: Record<string, Seen[]> = {
      wasm: await this.ask("wasm", at, probes, ask),
      node: await this.ask("node", at, probes, ask),
    };
    probes.forEach((request, i) => {
      for (const [subject, seen] of Object.entries(answers))
        expect({ subject, request, seen: seen[i] }).toEqual({ subject, request, seen: native[i] });
    });
    this.denied += native.filter(({ headers }) =>
      headers.some(([, value]) => value.startsWith("rbac_")),
    ).length;
    this.passed += native.filter(({ body }) => body === "ok").length;
  }
}
