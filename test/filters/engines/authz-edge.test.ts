import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Json } from "../../support/bootstrap";
import type { UpstreamHandler } from "../../support/raw-upstream";
import { operation, source } from "../support/any-policy";
import { type AuthorizationPolicy, type RuleSpec, rbacFilters } from "../support/native-rbac";
import { type Probe, probe } from "../support/subjects";
import { type Case, ThreeSubjects } from "../support/three-subjects";

/** Policies decide about what the edge of the proxy has made of a request: its path, its host, its client. */
function policies(action: "ALLOW" | "DENY", ...rules: RuleSpec[]): AuthorizationPolicy[] {
  return [{ metadata: { name: "p", namespace: "shop" }, spec: { action, rules } }];
}

function pieces(name: string, list: AuthorizationPolicy[], manager: Json): Case {
  return { name, ours: { policies: list }, native: rbacFilters(list), listener: { manager } };
}

/** Says which path the upstream was asked for. */
const tellPath: UpstreamHandler = async (request, reply) => {
  await request.message;
  reply.send({ body: "ok", headers: [["x-path", request.path]] });
};

/** Istio's four ways to normalise paths. */
const NORMALISATIONS: Readonly<Record<string, Json>> = {
  NONE: {},
  BASE: { normalize_path: true },
  MERGE_SLASHES: { normalize_path: true, merge_slashes: true },
  DECODE_AND_MERGE_SLASHES: {
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD",
  },
};

const PATHS: Probe[] = [
  ...["/admin", "/admin/", "/admin/x", "/a/../admin", "/a/./admin", "//admin", "/a//../admin", "/%61dmin"],
  ...["/%2fadmin", "/a%2f../admin", "/a/%2e%2e/admin", "/a\\..\\admin", "/\\admin", "/a%5c..%5cadmin"],
  ...[
    "/admin?x",
    "/x?/admin",
    "/admin#x",
    "/admin%00",
    "/%00/../admin",
    "/admin%3fx",
    "/admin%23x",
    "/admin;x=1",
  ],
  ...["/a/..;/admin", "/a/%2e%2e;/admin", "/ADMIN", "/admi%6E", "/admin%20", "/admin|", "/admin/%2e%2e/x"],
].map((path) => ({ path }));

const pathCases = Object.entries(NORMALISATIONS).flatMap(([name, manager]) => [
  pieces(`${name}: DENY`, policies("DENY", operation({ paths: ["/admin", "/admin/*"] })), manager),
  pieces(`${name}: ALLOW`, policies("ALLOW", operation({ paths: ["/admin", "/admin/*"] })), manager),
]);

const HOSTS: Probe[] = [
  ...[
    "foo.com",
    "Foo.com",
    "foo.com:8080",
    "Foo.com:8080",
    "foo.com.",
    "foo.com.:8080",
    "bar.com",
    "a.foo.com",
  ],
].map((host) => ({ host }));

const STRIPPED: Readonly<Record<string, Json>> = {
  "as it is": {},
  "no port": { strip_any_host_port: true },
  "no port, no dot": { strip_any_host_port: true, strip_trailing_host_dot: true },
};

const hostCases = Object.entries(STRIPPED).flatMap(([name, manager]) => [
  pieces(`${name}: foo.com`, policies("ALLOW", operation({ hosts: ["foo.com"] })), manager),
  pieces(`${name}: foo.com:*`, policies("ALLOW", operation({ hosts: ["foo.com:*"] })), manager),
]);

const CLIENTS: Probe[] = [
  {},
  { from: "127.0.0.2" },
  ...[
    "203.0.113.7",
    "198.51.100.1",
    "203.0.113.7, 198.51.100.1",
    "198.51.100.1,203.0.113.7",
    "bad",
    "127.0.0.1",
  ].map((value): Probe => ({ headers: [["x-forwarded-for", value]] })),
];

const TRUST: Readonly<Record<string, Json>> = {
  "no trust": {},
  "one hop": { xff_num_trusted_hops: 1 },
  use_remote_address: { use_remote_address: true },
  "use_remote_address, one hop": { use_remote_address: true, xff_num_trusted_hops: 1 },
};

const remoteCases = Object.entries(TRUST).flatMap(([name, manager]) => [
  pieces(`${name}: DENY`, policies("DENY", source({ remoteIpBlocks: ["203.0.113.0/24"] })), manager),
  pieces(
    `${name}: ALLOW`,
    policies("ALLOW", source({ remoteIpBlocks: ["127.0.0.1", "203.0.113.7"] })),
    manager,
  ),
]);
const peerCases = Object.entries(TRUST).map(([name, manager]) =>
  pieces(name, policies("ALLOW", source({ ipBlocks: ["127.0.0.1"] })), manager),
);

const cases = [...pathCases, ...hostCases, ...remoteCases, ...peerCases];

describe.skipIf(!inject("envoy"))("authz at the edge", () => {
  const subjects = new ThreeSubjects(cases, tellPath);
  beforeAll(() => subjects.start(), 60_000);
  afterAll(() => subjects.stop());

  const each = (list: readonly Case[]) => list.map((one) => [one.name, cases.indexOf(one)] as const);

  test.each(each(pathCases))("paths, %s", async (_, at) => {
    await subjects.compare(at, PATHS);
  });

  test.each(each(hostCases))("hosts, %s", async (_, at) => {
    await subjects.compare(at, HOSTS);
  });

  test.each(each(remoteCases))("remoteIpBlocks, %s", async (_, at) => {
    await subjects.compare(at, CLIENTS);
  });

  test("%00 and # are refused before any policy, Foo.com:8080 is no foo.com but one of its ports", async () => {
    const all = NORMALISATIONS.DECODE_AND_MERGE_SLASHES!;
    const denies = cases.findIndex(
      ({ name, listener }) => name.endsWith("DENY") && listener?.manager === all,
    );
    const status = async (at: number, request: Probe) =>
      (await subjects.ask("node", at, [request], probe))[0]!.status;
    expect(await status(denies, { path: "/admin%00" })).toBe(400);
    expect(await status(denies, { path: "/admin#x" })).toBe(400);
    expect(await status(denies, { path: "/a%5c..%5cadmin" })).toBe(403);
    const [exact, anyPort] = hostCases.map((one) => cases.indexOf(one)) as [number, number];
    expect(await status(exact, { host: "Foo.com:8080" })).toBe(403);
    expect(await status(anyPort, { host: "Foo.com:8080" })).toBe(200);
  });

  // A module is told one address of the client; Envoy's own filter knows the peer's, too.
  test.each(each(peerCases))(
    "ipBlocks, %s: the same on both engines, and Envoy's when nobody is trusted",
    async (_, at) => {
      const [node, wasm, native] = await Promise.all(
        (["node", "wasm", "native"] as const).map((subject) => subjects.ask(subject, at, CLIENTS, probe)),
      );
      const statuses = (seen: typeof node) => seen!.map(({ status }) => status);
      expect(statuses(node)).toEqual(statuses(wasm));
      // The peer's own requests.
      expect(statuses(node).slice(0, 2)).toEqual(statuses(native).slice(0, 2));
      expect(statuses(native).slice(0, 2)).toEqual([200, 403]);
    },
  );
});
