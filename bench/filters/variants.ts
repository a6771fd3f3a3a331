import { resolve } from "node:path";
import { buildModule } from "../../host/build/index";
import { type AuthorizationPolicy, rbacFilters } from "../../test/filters/support/native-rbac";
import { type Json, wasmFilter } from "../../test/support/bootstrap";

/** What is measured: a chain of filters, and how often it stands in the listener (the cost is divided by that). */
export interface Subject {
  name: string;
  chain: readonly Json[];
  copies: number;
}

const moduleOf = (filter: string) => resolve(`build/bench/${filter}.wasm`);

/** Compiles the filters as they ship. */
export async function buildFilters(): Promise<void> {
  for (const filter of ["fault", "authz", "metrics"])
    await buildModule({ entry: `filters/${filter}`, outFile: moduleOf(filter) });
}

/** A module of this project, with a configuration. */
function ours(filter: string, configuration: object): Json {
  return wasmFilter({
    name: filter,
    wasm: moduleOf(filter),
    rootId: filter,
    vmId: filter,
    configuration: JSON.stringify(configuration),
    plugin: { allow_on_headers_stop_iteration: true },
  });
}

/** One policy with DENY rules on method and path that no request of the bench matches. */
export function denials(rules: number): AuthorizationPolicy {
  return {
    metadata: { name: "bench", namespace: "bench" },
    spec: {
      action: "DENY",
      rules: Array.from({ length: rules }, (_, i) => ({
        to: [
          { operation: { methods: ["GET", "POST"], paths: [`/private/area-${i}`, `/private/area-${i}/*`] } },
        ],
      })),
    },
  };
}

/** One rule that never matches. */
const FAULT = {
  http: [
    {
      match: [{ uri: { prefix: "/checkout" }, headers: { "x-test": { exact: "chaos" } } }],
      fault: {
        delay: { percentage: { value: 50 }, fixedDelay: "2s" },
        abort: { percentage: { value: 10 }, httpStatus: 503 },
      },
    },
  ],
};

export const fault = (): Json => ours("fault", FAULT);
export const authz = (rules: number): Json => ours("authz", { policies: [denials(rules)] });
export const metrics = (): Json => ours("metrics", { reporter: "destination" });
export const rustHello = (): Json =>
  wasmFilter({ name: "rust", wasm: resolve("bench/guests/rust/hello.wasm"), vmId: "rust" });
export const nativeRbac = (rules: number): Json => rbacFilters([denials(rules)])[0]!;
