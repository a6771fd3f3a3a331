import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { operation } from "../support/any-policy";
import { type AuthorizationPolicy, type RuleSpec, rbacFilters } from "../support/native-rbac";
import type { Probe } from "../support/subjects";
import { type Case, ThreeSubjects } from "../support/three-subjects";

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
