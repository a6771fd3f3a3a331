import { resolve } from "node:path";
import { buildModule } from "../../host/build/index";
import { jwks, newKey, secretKey, token } from "../../test/filters/support/jwt";
import { type JwtRule, jwtFilter } from "../../test/filters/support/native-jwt";
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

const KEYS = {
  RS256: newKey("RSA", { kid: "1" }),
  ES256: newKey("P-256", { kid: "1" }),
  PS256: newKey("RSA", { kid: "1" }),
  HS256: secretKey(Buffer.alloc(32, "k"), { kid: "1" }),
};
export type Algorithm = keyof typeof KEYS;
export const ALGORITHMS = Object.keys(KEYS) as Algorithm[];

/** The token stays, so that every copy of the filter checks it. */
const jwtRules = (alg: Algorithm): JwtRule[] => [
  { issuer: "https://issuer.example", jwks: jwks(KEYS[alg]), forwardOriginalToken: true },
];
export const tokens = (alg: Algorithm): Json => ours("authz", { jwtRules: jwtRules(alg) });
export const nativeTokens = (alg: Algorithm): Json => jwtFilter(jwtRules(alg));

/** A request with a token as identity providers make them. */
export function withToken(alg: Algorithm): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "https://issuer.example",
    sub: "1234567890",
    aud: ["shop", "books"],
    azp: "web",
    scope: "openid profile email",
    iat: now,
    exp: now + 3600,
    jti: "0b3a5c1e-6d8f-4a2b-9c7e-1f2d3c4b5a69",
    realm_access: { roles: ["user", "editor"] },
  };
  const bearer = token(KEYS[alg], claims, { alg, kid: "1" });
  return `GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1.0 (twenty)\r\nAuthorization: Bearer ${bearer}\r\n\r\n`;
}
