import type { Json } from "../../support/bootstrap";

/** How one side of an RBAC policy writes lists and negations. */
export interface Side {
  all: (parts: Json[]) => Json;
  any: (parts: Json[]) => Json;
  not: (part: Json) => Json;
}

interface Context {
  namespace: string;
  trustDomains: readonly string[];
}

const JWT = "envoy.filters.http.jwt_authn";

/** What Istio's control plane writes for one value of an attribute. */
export function conditionOf(side: Side, key: string, value: string, context: Context): Json {
  switch (key) {
    case "hosts":
      return header(":authority", value, true);
    case "methods":
      return header(":method", value);
    case "paths":
      return path(value);
    case "destination.port":
      return { destination_port: Number(value) };
    case "destination.ip":
      return { destination_ip: cidr(value) };
    case "source.ip":
      return { direct_remote_ip: cidr(value) };
    case "remote.ip":
      return { remote_ip: cidr(value) };
    case "connection.sni":
      return { requested_server_name: stringMatch(value) };
    case "source.namespace":
      return named({ safe_regex: { regex: `.*/ns/${value.replaceAll("*", ".*")}/.*` } });
    case "source.serviceAccount": {
      const [namespace, account] = value.includes("/") ? value.split("/") : [context.namespace, value];
      return named({ safe_regex: { regex: `spiffe://.+/ns/${namespace}/(.+/|)sa/${account}(/.+)?` } });
    }
    case "source.trustDomain":
      return side.any(domains(value, context.trustDomains).map(domain));
    case "source.principal":
      return side.any(principals(value, context.trustDomains).map((one) => named(spiffe(one))));
    case "request.auth.principal":
      return requestPrincipal(side, value);
    case "request.auth.audiences":
      return claim(["aud"], value);
    case "request.auth.presenter":
      return claim(["azp"], value);
  }
  const brackets = [...key.matchAll(/\[([^[\]]+)\]/g)].map(([, name]) => name!);
  if (key.startsWith("request.auth.claims")) return claim(brackets, value);
  if (key.startsWith("request.headers")) return header(brackets[0]!, value);
  const filter = key.slice("experimental.".length, key.indexOf("["));
  const listed = /^\[(.*)\]$/.exec(value)?.[1];
  return metadata(filter, brackets, listed === undefined ? text(stringMatch(value)) : oneOf(listed));
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

function stringMatch(value: string, before = ""): Json {
  if (value === "*") return { safe_regex: { regex: ".+" } };
  if (value.startsWith("*")) return { suffix: value.slice(1) };
  if (value.endsWith("*")) return { prefix: before + value.slice(0, -1) };
  return { exact: before + value };
}

function cidr(value: string): Json {
  const [address, length] = value.split("/");
  return { address_prefix: address, prefix_len: Number(length ?? (address!.includes(":") ? 128 : 32)) };
}

const named = (principal_name: Json): Json => ({ authenticated: { principal_name } });
const quoted = (value: string) => value.replace(/[^A-Za-z0-9_]/g, "\\$&");

function spiffe(value: string): Json {
  if (value.startsWith("*") && value !== "*")
    return { safe_regex: { regex: `spiffe://.*${quoted(value.slice(1))}` } };
  return stringMatch(value, "spiffe://");
}

function domain(value: string): Json {
  if (value === "*") return named({ prefix: "spiffe://" });
  if (!value.includes("*")) return named({ prefix: `spiffe://${value}/` });
  return named({ safe_regex: { regex: `spiffe://${value.split("*").map(quoted).join("[^/]*")}/.*` } });
}

function domains(value: string, all: readonly string[]): readonly string[] {
  return all.includes(value) ? all : [value];
}

/** Trust domains of the mesh stand for each other; tests use none with stars beside others. */
function principals(value: string, all: readonly string[]): readonly string[] {
  const [own, ...rest] = value.split("/");
  if (rest.length !== 4 || !(own === "cluster.local" || all.includes(own!))) return [value];
  return all.map((each) => [each, ...rest].join("/"));
}

const text = (match: Json): Json => ({ string_match: match });
const oneOf = (value: string): Json => ({ list_match: { one_of: text(stringMatch(value)) } });

function metadata(filter: string, keys: readonly string[], value: Json): Json {
  return { metadata: { filter, path: keys.map((key) => ({ key })), value } };
}

function claim(way: readonly string[], value: string): Json {
  const either = { or_match: { value_matchers: [oneOf(value), text(stringMatch(value))] } };
  return metadata(JWT, ["payload", ...way], either);
}

function requestPrincipal(side: Side, value: string): Json {
  const slash = value.lastIndexOf("/");
  const found = slash >= 0;
  const iss = found ? value.slice(0, slash) : value;
  const sub = found ? value.slice(slash + 1) : "";
  let tests: [Json, Json] = [{ exact: iss }, { exact: sub }];
  if (value === "*") tests = [stringMatch("*"), stringMatch("*")];
  else if (value.startsWith("*"))
    tests = found ? [stringMatch(iss), { exact: sub }] : [stringMatch("*"), stringMatch(value)];
  else if (value.endsWith("*"))
    tests = found ? [{ exact: iss }, stringMatch(sub)] : [stringMatch(value), stringMatch("*")];
  return side.all([
    metadata(JWT, ["payload", "iss"], text(tests[0])),
    metadata(JWT, ["payload", "sub"], text(tests[1])),
  ]);
}
