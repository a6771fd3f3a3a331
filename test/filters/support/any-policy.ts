import fc from "fast-check";
import type { PolicySpec, RuleSpec } from "./native-rbac";
import type { Probe } from "./subjects";

/** Policies and requests whose values have to do with each other, so that rules match now and then. */

type Fields = Record<string, string[]>;

export function operation(fields: Fields): RuleSpec {
  return { to: [{ operation: fields }] };
}

export function source(fields: Fields): RuleSpec {
  return { from: [{ source: fields }] };
}

export function when(key: string, values?: string[], notValues?: string[]): RuleSpec {
  return { when: [{ key, ...(values && { values }), ...(notValues && { notValues }) }] };
}

function list(...values: string[]): fc.Arbitrary<string[]> {
  return fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
}

const blocks = list(
  "127.0.0.1",
  "127.0.0.2/31",
  "127.0.1.0/24",
  "127.0.0.0/8",
  "0.0.0.0/0",
  "::1",
  "10.0.0.0/8",
);
const methods = list("GET", "POST", "*", "P*", "*T", "OPTIONS");
const hosts = list("a.example", "A.EXAMPLE:8080", "*.example", "*.B.example", "a*", "*", "localhost");
const paths = list(
  "/",
  "/a",
  "/a/b",
  "/a/*",
  "*/b",
  "*",
  "/a/{*}",
  "/{*}/b",
  "/a/{**}",
  "/{**}",
  "/{*}/{*}/{**}",
  "/admin*",
  "/a*b",
);
const roles = list("admin", "guest", "ad*", "*min", "*", "admin,guest");
const ports = list("80", "81");
const principals = list(
  "cluster.local/ns/shop/sa/cart",
  "old.example/ns/shop/sa/cart",
  "other.example/ns/shop/sa/cart",
  "cluster.local/ns/*",
  "*/sa/cart",
  "*",
  "td*",
);
const namespaces = list("shop", "sh*", "*op", "default", "*");
const accounts = list("cart", "shop/cart", "default/cart", "shop/pay");
const domains = list("cluster.local", "old.example", "*.example", "*", "other.example");
const names = list("localhost", "*.example", "a*", "*");
const tokens = list("*", "iss/sub", "iss/*", "*/sub", "*b", "iss*", "https://iss/x/sub", "iss/s*");

/** Fields with their `not` forms. */
function both(fields: Record<string, fc.Arbitrary<string[]>>): Record<string, fc.Arbitrary<string[]>> {
  const all = { ...fields };
  for (const [name, values] of Object.entries(fields)) {
    all[`not${name[0]!.toUpperCase()}${name.slice(1)}`] = values;
  }
  return all;
}

function some(fields: Record<string, fc.Arbitrary<string[]>>): fc.Arbitrary<Fields> {
  return fc
    .record(fields, { requiredKeys: [], noNullPrototype: true })
    .map((record) => Object.entries(record) as [string, string[]][])
    .filter((entries) => entries.length > 0)
    .map((entries) => Object.fromEntries(entries.slice(0, 3)));
}

function condition(key: string, values: fc.Arbitrary<string[]>) {
  return fc
    .record(
      { key: fc.constant(key), values, notValues: values },
      { requiredKeys: ["key"], noNullPrototype: true },
    )
    .filter((record) => Object.keys(record).length > 1);
}

/** Which attributes rules ask for. */
interface Scope {
  /** Names in client certificates. */
  identities?: boolean;
  /** What tokens say. */
  tokens?: boolean;
}

function rule({ identities = false, tokens: claims = false }: Scope): fc.Arbitrary<RuleSpec> {
  const sources = both({
    ipBlocks: blocks,
    remoteIpBlocks: blocks,
    ...(identities && { principals, namespaces, trustDomains: domains }),
    ...(claims && { requestPrincipals: tokens }),
  });
  const accountsAlone = fc.oneof(
    accounts.map((serviceAccounts) => ({ serviceAccounts })),
    accounts.map((notServiceAccounts) => ({ notServiceAccounts })),
  );
  const conditions = [
    condition("request.headers[x-role]", roles),
    condition("request.headers[x-other]", roles),
    condition("source.ip", blocks),
    condition("remote.ip", blocks),
    condition("destination.ip", blocks),
    condition("destination.port", ports),
    condition("connection.sni", names),
  ];
  if (identities) {
    conditions.push(
      condition("source.principal", principals),
      condition("source.namespace", namespaces),
      condition("source.serviceAccount", accounts),
      condition("source.trustDomain", domains),
    );
  }
  if (claims) {
    conditions.push(
      condition("request.auth.principal", tokens),
      condition("request.auth.audiences", list("a", "b*", "*")),
      condition("request.auth.presenter", list("a", "*z")),
      condition("request.auth.claims[group]", list("admin", "g*", "*")),
      condition("request.auth.claims[nested][role]", list("admin", "*t")),
      condition("experimental.envoy.filters.demo[text]", list("a", "[a]", "*", "[*]")),
    );
  }
  return fc.record(
    {
      from: fc.array(
        fc
          .oneof(
            { weight: 4, arbitrary: some(sources) },
            { weight: identities ? 1 : 0, arbitrary: accountsAlone as fc.Arbitrary<Fields> },
          )
          .map((fields) => ({ source: fields })),
        { minLength: 1, maxLength: 2 },
      ),
      to: fc.array(
        some(both({ hosts, methods, paths, ports })).map((fields) => ({ operation: fields })),
        { minLength: 1, maxLength: 3 },
      ),
      when: fc.array(fc.oneof(...conditions), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
}

export function anySpec(
  scope: Scope = {},
  actions: readonly NonNullable<PolicySpec["action"]>[] = ["ALLOW", "DENY"],
): fc.Arbitrary<PolicySpec> {
  return fc.record(
    {
      action: fc.constantFrom(...actions),
      rules: fc.array(rule(scope), { minLength: 1, maxLength: 12 }),
    },
    { noNullPrototype: true },
  );
}

const line = (value: string): [string, string] => ["x-role", value];
const headers = fc.constantFrom<[string, string][]>(
  [],
  [line("admin")],
  [line("guest")],
  [line("admin"), line("guest")],
  [line("guest"), line("admin")],
  [line("admin,guest")],
  [line("admin, guest")],
  [line("")],
  [line("ADMIN")],
  [line("cafÃ©s")],
  [line("caf\xe9s")],
  [["X-Other", "admin"], line("admin2")],
  [
    ["user-agent", "a"],
    ["user-agent", "b"],
  ],
);
const target = fc.constantFrom(
  "/",
  "/a",
  "/a/",
  "/a/b",
  "/a/b/c",
  "//a",
  "/a//b",
  "/b/c",
  "/b",
  "/admin",
  "/admin/x?a=/b",
  "/a?b",
  "/a/b?c/b",
  "/x/x",
  "/x*y",
  "/pq",
  "/open",
  "/a.html?x",
  "/a/%2F",
  "/a/%zz",
  "/a/%7B*%7D",
  "/a/{*}",
  "/a/|",
  "/v1.0/x",
  "/v1x0/x",
  "/a+b/x",
  "/a(b)/x/y",
  "/a/é",
  "/a/b;c=d",
  "/A",
  "/a/*",
);

export const anyProbe: fc.Arbitrary<Probe> = fc.record({
  method: fc.constantFrom("GET", "GET", "POST", "DELETE", "OPTIONS", "PUT", "HEAD"),
  path: target.map((path) => Buffer.from(path).toString("latin1")),
  host: fc.constantFrom(
    "a.example",
    "A.Example:8080",
    "x.b.example",
    "c.example",
    "d.example:80",
    "localhost",
    "[::1]:80",
  ),
  headers: fc
    .tuple(
      headers,
      fc.constantFrom("", "", "", "application/grpc", "application/grpc+proto", "application/grpcx"),
    )
    .map(([lines, type]) => (type ? [...lines, ["content-type", type] as [string, string]] : lines)),
  from: fc.constantFrom("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.1.5"),
});
