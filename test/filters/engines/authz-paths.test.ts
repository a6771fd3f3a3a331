import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { operation, source } from "../support/any-policy";
import { moduleFile } from "../support/module-file";
import { type AuthorizationPolicy, type RuleSpec, rbacFilters } from "../support/native-rbac";
import { type Probe, probe } from "../support/subjects";
import { type Case, detailed, ours, ThreeSubjects } from "../support/three-subjects";

function policies(...rules: RuleSpec[]): AuthorizationPolicy[] {
  return [{ metadata: { name: "p", namespace: "shop" }, spec: { rules } }];
}

/** Templates of Istio's API text and around them. */
const TEMPLATES = [
  "/foo/{*}",
  "/foo/{**}/",
  "/foo/{**}",
  "/foo/{*}/bar/{**}",
  "/foo/{*}/bar/{**}/",
  "/{*}/bar",
  "/{*}",
  "/{**}",
  "/{**}/bar",
  "/foo/{*}/",
  "/foo/{*}/{*}",
  "/{*}/{*}/{**}",
  "/foo.txt/{*}",
  "/a%20b/{*}",
];
const PATHS = [
  "/",
  "/foo",
  "/foo/",
  "/foo//",
  "/foo/bar",
  "/foo/bar/",
  "/foo/bar/baz",
  "/foo/bar/baz.txt/",
  "/foo/buzz/bar",
  "/foo/buzz/bar/",
  "/foo/buzz/bar/baz",
  "/foo/buzz/bar/baz/x/",
  "//foo/bar",
  "/foo//bar",
  "/FOO/bar",
  "/foo/bar?a=/b/c",
  "/foo/?",
  "/foo/%2F",
  "/foo/%2f/bar",
  "/foo/%zz",
  "/foo/*",
  "/foo/**",
  "/foo/{*}",
  "/foo/a:b@c,d;e=f",
  "/foo/a(b)!$&'+",
  "/foo/a|b",
  '/foo/"',
  "/foo/^`",
  "/foo/a%20b",
  "/foo/a b".replace(" ", "%20"),
  "/foo/\u00fc",
  "/foo/~-._",
  "/fooXtxt/bar",
  "/foo.txt/bar",
  "/a%20b/c",
  "/bar",
  "/x/bar",
  "/x/y/bar",
].map((path): Probe => ({ path: Buffer.from(path).toString("latin1") }));

const CASES: Case[] = TEMPLATES.map((template) => {
  const list = policies(operation({ paths: [template] }));
  return { name: template, ours: { policies: list }, native: rbacFilters(list) };
});

describe.skipIf(!inject("envoy"))("authz reads path templates as Envoy", () => {
  const subjects = new ThreeSubjects(CASES);
  beforeAll(() => subjects.start(), 60_000);
  afterAll(() => subjects.stop());

  test.each(CASES.map(({ name }, at) => [name, at] as const))("%s", async (_, at) => {
    await subjects.compare(at, PATHS);
  });

  test("some match and some do not", () => {
    expect(subjects.denied).toBeGreaterThan(100);
    expect(subjects.passed).toBeGreaterThan(50);
  });
});

/** The Node engine has no `use_remote_address`. */
describe.skipIf(!inject("envoy"))("authz behind proxies that are trusted", () => {
  test("remoteIpBlocks are Envoy's; ipBlocks see the client where Envoy sees the peer", async () => {
    const engine = new EngineUnderTest("envoy");
    const upstream = await RawUpstream.start();
    const details = await moduleFile("test/filters/guests/details");
    const trusting = { manager: { use_remote_address: true, xff_num_trusted_hops: 1 } };
    const rules = {
      remote: policies(source({ remoteIpBlocks: ["203.0.113.0/24"] })),
      peer: policies(source({ ipBlocks: ["127.0.0.1"] })),
    };
    try {
      const envoy = await engine.start(
        build.bootstrap({
          listeners: Object.entries(rules).flatMap(([name, list]) => [
            detailed(`${name}-wasm`, [ours({ policies: list })], details, trusting),
            detailed(`${name}-native`, rbacFilters(list), details, trusting),
          ]),
          clusters: [build.cluster("app", upstream.port)],
        }),
      );
      const statuses = async (name: string): Promise<number[]> => {
        const answers = await probe(envoy.port(name), [
          { headers: [["x-forwarded-for", "203.0.113.7"]] },
          { headers: [["x-forwarded-for", "198.51.100.1"]] },
        ]);
        return answers.map(({ status }) => status);
      };
      expect(await statuses("remote-native")).toEqual([200, 403]);
      expect(await statuses("remote-wasm")).toEqual([200, 403]);
      expect(await statuses("peer-native")).toEqual([200, 200]);
      expect(await statuses("peer-wasm")).toEqual([403, 403]);
    } finally {
      await engine.cleanUp();
      await upstream.close();
    }
  });
});
