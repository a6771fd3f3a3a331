import { resolve } from "node:path";
import { expect } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { moduleFile } from "./module-file";
import { type Probe, probe, type Seen } from "./subjects";

/** One configuration of ours, and Envoy's own filters for the same thing. */
export interface Case {
  name: string;
  ours: object;
  native: readonly build.Json[];
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

/** One script of traffic on three subjects: our module on both engines, and Envoy's own filter. */
export class ThreeSubjects {
  readonly node = new EngineUnderTest("node");
  readonly envoy = new EngineUnderTest("envoy");
  private upstream: RawUpstream | undefined;
  private ports: ((subject: "node" | "wasm" | "native", at: number) => number) | undefined;
  denied = 0;
  passed = 0;

  constructor(
    private readonly cases: readonly Case[],
    private readonly front: readonly build.Json[] = [],
  ) {}

  async start(): Promise<void> {
    this.upstream = await RawUpstream.start();
    const details = await moduleFile("test/filters/guests/details");
    const clusters = [build.cluster("app", this.upstream.port)];
    const wasm = this.cases.map((each, i) =>
      detailed(`wasm-${i}`, [...this.front, ours(each.ours)], details),
    );
    const native = this.cases.map((each, i) =>
      detailed(`native-${i}`, [...this.front, ...each.native], details),
    );
    const node = await this.node.start(build.bootstrap({ listeners: wasm, clusters }));
    const envoy = await this.envoy.start(build.bootstrap({ listeners: [...wasm, ...native], clusters }));
    this.ports = (subject, at) =>
      subject === "node" ? node.port(`wasm-${at}`) : envoy.port(`${subject}-${at}`);
  }

  async stop(): Promise<void> {
    await Promise.all([this.node.cleanUp(), this.envoy.cleanUp()]);
    await this.upstream?.close();
  }

  /** Each request gets the same answer from all three. */
  async compare(at: number, probes: readonly Probe[]): Promise<void> {
    const native = await probe(this.ports!("native", at), probes);
    const answers: Record<string, Seen[]> = {
      wasm: await probe(this.ports!("wasm", at), probes),
      node: await probe(this.ports!("node", at), probes),
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
