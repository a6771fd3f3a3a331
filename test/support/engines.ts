import type { Engine, EngineName } from "../../host/engine";

export const ENGINE_NAMES: readonly EngineName[] = ["node", "envoy"];

/** Engines a run leaves out: `ENGINES=envoy npx vitest run ...` while working on one of them. */
export function wantedEngines(): readonly EngineName[] {
  const wanted = process.env.ENGINES?.split(",");
  return wanted ? ENGINE_NAMES.filter((name) => wanted.includes(name)) : ENGINE_NAMES;
}

/** Each engine is loaded only when a test starts it. */
export async function loadEngine(name: EngineName): Promise<Engine> {
  if (name === "envoy") return (await import("../../host/envoy/index")).envoyEngine;
  return (await import("../../host/proxy/index")).nodeEngine;
}
