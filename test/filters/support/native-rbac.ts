import type { Json } from "../../support/bootstrap";
import { conditionOf, type Side } from "./native-condition";

/** An AuthorizationPolicy as far as the authz filter takes it. */
export interface PolicySpec {
  action?: "ALLOW" | "DENY" | "AUDIT";
  rules?: RuleSpec[];
}

export interface RuleSpec {
  from?: { source: Record<string, string[]> }[];
  to?: { operation: Record<string, string[]> }[];
  when?: { key: string; values?: string[]; notValues?: string[] }[];
}

export interface AuthorizationPolicy {
  metadata: { name: string; namespace: string; annotations?: Record<string, string> };
  spec: PolicySpec;
}

/** Attributes of `source` and `operation`, by their field. */
const KEYS: Record<string, string> = {
  principals: "source.principal",
  namespaces: "source.namespace",
  serviceAccounts: "source.serviceAccount",
  trustDomains: "source.trustDomain",
  requestPrincipals: "request.auth.principal",
  ipBlocks: "source.ip",
  remoteIpBlocks: "remote.ip",
  ports: "destination.port",
};

/** Conditions of `when` that Istio puts among permissions; the others are principals. */
const PERMISSIONS = /^(destination\.|connection\.sni|experimental\.)/;

const NEVER: Json = {
  permissions: [{ not_rule: { any: true } }],
  principals: [{ not_id: { any: true } }],
};

/** How policies become Envoy's configuration. */
interface Translation {
  /** The mesh's trust domain, then its aliases. */
  trustDomains?: readonly string[];
  /** For connections: network filters, without what only HTTP has. */
  tcp?: boolean;
}

const ACTIONS = { AUDIT: "LOG", DENY: "DENY", ALLOW: "ALLOW" } as const;

/** Envoy's own RBAC filters for these policies, as Istio's control plane writes them: AUDIT, DENY, ALLOW. */
export function rbacFilters(policies: readonly AuthorizationPolicy[], options: Translation = {}): Json[] {
  return (["AUDIT", "DENY", "ALLOW"] as const).flatMap((action) => {
    const chosen = policies.filter(({ spec }) => (spec.action ?? "ALLOW") === action);
    if (chosen.length === 0) return [];
    const rulesOf = (tried: boolean): Json | undefined => {
      const some = chosen.filter((policy) => isTried(policy) === tried);
      if (some.length === 0) return undefined;
      return rbacRules(ACTIONS[action], some, options);
    };
    const [rules, shadow] = [rulesOf(false), rulesOf(true)];
    const place = options.tcp ? "network" : "http";
    return [
      {
        name: `envoy.filters.${place}.rbac`,
        typed_config: {
          "@type": `type.googleapis.com/envoy.extensions.filters.${place}.rbac.v3.RBAC`,
          ...(options.tcp && { stat_prefix: "tcp." }),
          ...(rules && { rules }),
          ...(shadow && { shadow_rules: shadow }),
          ...(shadow &&
            action !== "AUDIT" && { shadow_rules_stat_prefix: `istio_dry_run_${action.toLowerCase()}_` }),
        },
      },
    ];
  });
}

/** The rules of policies, whatever their own action. */
export function rbacRules(
  action: "LOG" | "DENY" | "ALLOW",
  policies: readonly AuthorizationPolicy[],
  options: Translation = {},
): Json {
  return { action, policies: Object.fromEntries(policies.flatMap((policy) => entriesOf(policy, options))) };
}

function isTried({ metadata }: AuthorizationPolicy): boolean {
  return metadata.annotations?.["istio.io/dry-run"] === "true";
}

function entriesOf({ metadata, spec }: AuthorizationPolicy, options: Translation): [string, Json][] {
  const id = `ns[${metadata.namespace}]-policy[${metadata.name}]-rule`;
  if (!spec.rules?.length) return [[`${id}[0]`, NEVER]];
  return spec.rules.flatMap((rule, i): [string, Json][] => {
    const only = options.tcp ? forTcp(rule, spec.action ?? "ALLOW") : rule;
    return only ? [[`${id}[${i}]`, rbacPolicy(only, metadata.namespace, options)]] : [];
  });
}

const HTTP_ONLY = /^(hosts|methods|paths|request\.)/;

/** What a rule says of connections: ALLOW rules that ask for HTTP go, others lose only what asks for it. */
function forTcp({ from, to, when }: RuleSpec, action: string): RuleSpec | undefined {
  let asked = false;
  const isHttp = (key: string) => {
    const plain = key.replace(/^not(.)/, (_, first: string) => first.toLowerCase());
    const http = HTTP_ONLY.test(KEYS[plain] ?? plain);
    asked ||= http;
    return http;
  };
  const without = (fields: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => !isHttp(name)));
  const rule: RuleSpec = {
    ...(from && { from: from.map(({ source }) => ({ source: without(source) })) }),
    ...(to && { to: to.map(({ operation }) => ({ operation: without(operation) })) }),
    ...(when && { when: when.filter(({ key }) => !isHttp(key)) }),
  };
  return asked && action === "ALLOW" ? undefined : rule;
}

/** Permissions (`to`) and principals (`from`) have the same shape under different names. */
const PERMISSION: Side = {
  all: (rules) => ({ and_rules: { rules } }),
  any: (rules) => ({ or_rules: { rules } }),
  not: (rule) => ({ not_rule: rule }),
};
const PRINCIPAL: Side = {
  all: (ids) => ({ and_ids: { ids } }),
  any: (ids) => ({ or_ids: { ids } }),
  not: (id) => ({ not_id: id }),
};

function rbacPolicy({ from, to, when = [] }: RuleSpec, namespace: string, options: Translation): Json {
  const permissions: Json[] = [];
  const principals: Json[] = [];
  const context = { namespace, trustDomains: options.trustDomains ?? ["cluster.local"] };
  const parts = (side: Side, key: string, values?: string[], notValues?: string[]): Json[] => {
    const any = (list: string[]) => side.any(list.map((value) => conditionOf(side, key, value, context)));
    return [...(values ? [any(values)] : []), ...(notValues ? [side.not(any(notValues))] : [])];
  };
  for (const { key, values, notValues } of when) {
    if (PERMISSIONS.test(key)) permissions.push(...parts(PERMISSION, key, values, notValues));
    else principals.push(...parts(PRINCIPAL, key, values, notValues));
  }
  const alternatives = (side: Side, base: Json[], list: Record<string, string[]>[] | undefined): Json[] =>
    (list ?? [{}]).map((fields) => {
      const all = [...base];
      for (const [name, values] of Object.entries(fields)) {
        const plain = name.replace(/^not(.)/, (_, first: string) => first.toLowerCase());
        const key = KEYS[plain] ?? plain;
        all.push(...(plain === name ? parts(side, key, values) : parts(side, key, undefined, values)));
      }
      return side.all(all.length === 0 ? [{ any: true }] : all);
    });
  return {
    permissions: alternatives(
      PERMISSION,
      permissions,
      to?.map(({ operation }) => operation),
    ),
    principals: alternatives(
      PRINCIPAL,
      principals,
      from?.map(({ source }) => source),
    ),
  };
}
