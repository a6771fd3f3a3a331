import { readFileSync } from "node:fs";
import {
  type HeadersInit,
  type PluginSpec,
  TestHost,
  type TestHostOptions,
} from "../../../host/testing/index";
import { startHost } from "../../../host/testing/vitest";
import { isCounting } from "../../support/coverage/hits";
import type { Headers } from "./anything";

export type FilterName = "fault" | "authz" | "metrics" | "ratelimit";

/** The module as it ships: optimised. */
export function modulePath(filter: FilterName): string {
  return `build/filters/${filter}.wasm`;
}

/** Bytes of a filter's module; 0 in a run that counts lines, where counters make it larger. */
export function moduleSize(filter: FilterName): number {
  if (isCounting) return 0;
  return readFileSync(modulePath(filter)).length;
}

/** One ready-made filter, with a configuration it accepts. */
export function withFilter(
  filter: FilterName,
  configuration: unknown,
  more: Partial<TestHostOptions> = {},
): Promise<TestHost> {
  return startHost({ plugins: plugin(filter, configuration), ...more });
}

function plugin(filter: FilterName, configuration: unknown): PluginSpec {
  return { module: modulePath(filter), rootId: filter, configuration: configuration as object };
}

/** Asks a filter what it has against configurations, one after the other; undefined = nothing. */
export async function refusals(
  filter: FilterName,
): Promise<(configuration: unknown) => Promise<string | undefined>> {
  const host = await TestHost.start({ plugins: [], trace: false });
  const said = /configuration refused: [\s\S]*$/;
  return async (configuration) => {
    const refusal = await host.refusal(plugin(filter, configuration));
    return refusal === undefined ? undefined : (said.exec(refusal)?.[0] ?? `no reason: ${refusal}`);
  };
}

/** Latin-1 text, one character a byte, as the kit takes it: bytes. */
export function rawHeaders(headers: Headers): HeadersInit {
  return headers.map(([name, value]) => [name, Buffer.from(value, "latin1")] as const);
}
