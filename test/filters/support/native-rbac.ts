import type { Json } from "../../support/bootstrap";

/** An AuthorizationPolicy as far as the authz filter takes it. */
export interface PolicySpec {
  action?: "ALLOW" | "DENY";
  rules?: RuleSpec[];
}

export interface RuleSpec {
  from?: { source: Record<string, string[]> }[];
  to?: { operation: Record<string, string[]> }[];
  when?: { key: string; values?: string[]; notValues?: string[] }[];
}

export interface AuthorizationPolicy {
  metadata: { name: string; namespace: string };
  spec: PolicySpec;
}

const NEVER: Json = {
  permissions: [{ not_rule: { any: true } }],
  principals: [{ not_id: { any: true } }],
};

/** Envoy's own RBAC filters for these policies, as Istio's control plane writes them: DENY before ALLOW. */
export function rbacFilters(policies: readonly AuthorizationPolicy[]): Json[] {
  return (["DENY", "ALLOW"] as const).flatMap((action) => {
    const chosen = policies.filter(({ spec }) => (spec.action ?? "ALLOW") === action);
    if (chosen.length === 0) return [];
    const entries = chosen.flatMap(({ metadata, spec }): [string, Json][] => {
      const id = `ns[${metadata.namespace}]-policy[${metadata.name}]-rule`;
      if (!spec.rules?.length) return [[`${id}[0]`, NEVER]];
      return spec.rules.map((rule, i) => [`${id}[${i}]`, rbacPolicy(rule)]);
    });
    return [
      {
        name: "envoy.filters.http.rbac",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
          rules: { action, policies: Object.fromEntries(entries) },
        },
      },
    ];
  });
}

/** Permissions (`to`) and principals (`from`) have the same shape under different names. */
interface Kind {
  all: (parts: Json[]) => Json;
  any: (parts: Json[]) => Json;
  not: (part: Json) => Json;
}

const PERMISSION: Kind = {
  all: (rules) => ({ and_rules: { rules } }),
  any: (rules) => ({ or_rules: { rules } }),
  not: (rule) => ({ not_rule: rule }),
};
const PRINCIPAL: Kind = {
  all: (ids) => ({ and_ids: { ids } }),
  any: (ids) => ({ or_ids: { ids } }),
  not: (id) => ({ not_id: id }),
};

function rbacPolicy({ from, to, when = [] }: RuleSpec): Json {
  const permissions: Json[] = [];
  const principals: Json[] = [];
  for (const { key, values, notValues } of when) {
    const isPermission = key.startsWith("destination.");
    const kind = isPermission ? PERMISSION : PRINCIPAL;
    const into = isPermission ? permissions : principals;
    into.push(...parts(kind, key, values, notValues));
  }
  const side = (kind: Kind, base: Json[], list: Record<string, string[]>[] | undefined): Json[] =>
    (list ?? [{}]).map((fields) => {
      const all = [...base, ...fieldParts(kind, fields)];
      return kind.all(all.length === 0 ? [{ any: true }] : all);
    });
  return {
    permissions: side(
      PERMISSION,
      permissions,
      to?.map(({ operation }) => operation),
    ),
    principals: side(
      PRINCIPAL,
      principals,
      from?.map(({ source }) => source),
    ),
  };
}

function fieldParts(kind: Kind, fields: Record<string, string[]>): Json[] {
  return Object.entries(fields).flatMap(([name, values]) => {
    const negated = name.startsWith("not");
    const key = negated ? name.charAt(3).toLowerCase() + name.slice(4) : name;
    return negated ? parts(kind, key, undefined, values) : parts(kind, key, values, undefined);
  });
}

function parts(kind: Kind, key: string, values?: string[], notValues?: string[]): Json[] {
  const any = (list: string[]) => kind.any(list.map((value) => matcher(key, value)));
  return [...(values ? [any(values)] : []), ...(notValues ? [kind.not(any(notValues))] : [])];
}

function matcher(key: string, value: string): Json {
  if (key === "hosts") return header(":authority", value, true);
  if (key === "methods") return header(":method", value);
  if (key === "paths") return path(value);
  if (key === "ports" || key === "destination.port") return { destination_port: Number(value) };
  if (key === "destination.ip") return { destination_ip: cidr(value) };
  if (key === "ipBlocks" || key === "source.ip") return { direct_remote_ip: cidr(value) };
  return header(/^request\.headers\[(.*)\]$/.exec(key)![1]!, value);
}

function header(name: string, value: string, ignoreCase = false): Json {
  if (value === "*") return { header: { name, present_match: true } };
  return {
    header: { name, string_match: { ...stringMatch(value), ...(ignoreCase && { ignore_case: true }) } },
  };
}

function path(value: string): Json {
  if (!/\{\*\*?\}/.test(value)) return { url_path: { path: stringMatch(value) } };
  return {
    uri_template: {
      name: "envoy.path.match.uri_template.uri_template_matcher",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
        path_template: value.replaceAll("{*}", "*").replaceAll("{**}", "**"),
      },
    },
  };
}

function stringMatch(value: string): Json {
  if (value === "*") return { safe_regex: { regex: ".+" } };
  if (value.startsWith("*")) return { suffix: value.slice(1) };
  if (value.endsWith("*")) return { prefix: value.slice(0, -1) };
  return { exact: value };
}

function cidr(value: string): Json {
  const [address, length] = value.split("/");
  return { address_prefix: address, prefix_len: Number(length ?? (address!.includes(":") ? 128 : 32)) };
}
