import { describe, expect, test } from "vitest";
import { readDocument } from "../../../../host/config/document";
import type { LoadedScenario } from "../../../../host/testing/scenario/index";
import {
  type Failure,
  firstDifference,
  judge,
  junit,
  type Observation,
  plainText,
  type Result,
  tap,
} from "../../../../host/testing/scenario/index";
import { scenario as schema } from "../../../../host/testing/scenario/schema";

function scenario(text: string): LoadedScenario {
  const read = readDocument(text, "s.yaml", schema);
  return { ...read, file: "s.yaml", title: "s", modules: ["m.wasm"], sources: [] };
}

const SCENARIO = scenario(`
plugins: [{ module: m.wasm }]
steps:
  - request: { path: /a }
    expect:
      status: 200
      body: hi
      headers: { x-a: [one, two], x-gone: null }
      trailers: { t: v }
      forwarded: { method: GET, path: /a, headers: { x-b: b } }
  - name: refused
    request: { path: /b }
    expect: { status: 403, forwarded: false }
expect:
  logs: [something]
  metrics: { hits: 2 }
`);

const forwarded = {
  method: "GET",
  path: "/a",
  headers: [["x-b", "b"]] as [string, string][],
  body: "",
  trailers: [],
};

const SEEN: Observation = {
  engine: "node",
  steps: [
    {
      response: {
        status: 200,
        headers: [
          ["x-a", "one"],
          ["date", "now"],
          ["x-a", "two"],
        ],
        body: "hi",
        trailers: [["t", "v"]],
      },
      forwarded,
    },
    { response: { status: 403, headers: [], body: "", trailers: [] }, forwarded: undefined },
  ],
  logs: ["p: it says something"],
  metrics: { hits: 2 },
};

function changed(change: (copy: Observation) => void): Observation {
  const copy = structuredClone(SEEN);
  change(copy);
  return copy;
}

describe("judging a scenario", () => {
  test("what is as expected has no failures", () => {
    expect(judge(SCENARIO, SEEN)).toEqual([]);
  });

  const response = (copy: Observation, i = 0) =>
    copy.steps[i]!.response as Exclude<Observation["steps"][0]["response"], "cut">;
  test.each<[string, (copy: Observation) => void, Partial<Failure>]>([
    ["status", (copy) => (response(copy).status = 500), { what: "status", expected: "200", actual: "500" }],
    [
      "body",
      (copy) => (response(copy).body = "ho"),
      { what: "response body", expected: '"hi"', actual: '"ho"' },
    ],
    [
      "a line of a header",
      (copy) => response(copy).headers.pop(),
      { what: "response header x-a", actual: '"one"' },
    ],
    [
      "a header that must not be",
      (copy) => response(copy).headers.push(["x-gone", "here"]),
      { what: "response header x-gone", expected: '"absent"', actual: '"here"' },
    ],
    [
      "a trailer",
      (copy) => (response(copy).trailers = []),
      { what: "response trailer t", actual: '"absent"' },
    ],
    ["a cut response", (copy) => (copy.steps[0]!.response = "cut"), { what: "response" }],
    [
      "a request that got through",
      (copy) => (copy.steps[1]!.forwarded = forwarded),
      { where: "step 2 (refused)" },
    ],
    ["one that did not", (copy) => (copy.steps[0]!.forwarded = undefined), { where: "step 1 (GET /a)" }],
    [
      "the path",
      (copy) => (copy.steps[0]!.forwarded = { ...forwarded, path: "/x" }),
      { what: "forwarded path" },
    ],
    ["the log", (copy) => (copy.logs = []), { what: "log", actual: "nothing was logged" }],
    ["a metric", (copy) => (copy.metrics = {}), { what: "metric hits", actual: "absent" }],
    [
      "a metric without its tags",
      (copy) => (copy.metrics = { "code=.=200;.;hits": 2 }),
      { what: "metric hits", actual: "absent; there are code=.=200;.;hits" },
    ],
  ])("%s", (_, change, failure) => {
    expect(judge(SCENARIO, changed(change))).toEqual([expect.objectContaining(failure)]);
  });

  test("two engines agree but for what varies by nature", () => {
    const other = changed((copy) => (response(copy).headers[1] = ["date", "later"]));
    expect(firstDifference(SCENARIO, SEEN, other)).toBeUndefined();
    const different = changed((copy) => response(copy).headers.push(["x-more", "1"]));
    expect(firstDifference(SCENARIO, SEEN, different)).toMatchObject({ where: "engines differ" });
    const quiet = changed((copy) => copy.logs.pop());
    expect(firstDifference(SCENARIO, SEEN, quiet)).toMatchObject({ what: "log line 1" });
  });
});

describe("reports", () => {
  const failure: Failure = {
    where: "step 1 (GET /<a>)",
    what: "body",
    expected: '"a & b"',
    actual: '"\u0000\n"',
  };
  const results: Result[] = [
    { file: "a.yaml", title: "good # one", engine: "node", failures: [], durationMs: 12 },
    { file: "b.yaml", title: "bad", engine: "envoy", failures: [failure], durationMs: 1500 },
  ];

  test("for people", () => {
    expect(plainText(results)).toBe(
      'ok   good # one [node] (12 ms)\nFAIL bad [envoy] (1500 ms)\n     step 1 (GET /<a>): body\n       expected "a & b"\n       got      "\u0000\n     "\n1 passed, 1 failed\n',
    );
  });

  test("TAP", () => {
    expect(tap(results)).toMatch(
      /^TAP version 14\n1\.\.2\nok 1 - good \\# one \[node\]\nnot ok 2 - bad \[envoy\]\n {2}---\n/,
    );
  });

  test("JUnit: escaped, and nothing that XML cannot hold", () => {
    const text = junit(results);
    expect(text).toContain('<testsuites tests="2" failures="1" time="1.512">');
    expect(text).toContain('message="step 1 (GET /&lt;a&gt;): body"');
    expect(text).toContain("a &amp; b");
    expect(text).toContain("\ufffd");
    expect(text).not.toContain("\u0000");
  });
});

test("a scenario's mistakes are told at once, with their places", () => {
  const text = "plugins: [{ modul: x }]\nsteps:\n  - request: { path: 5 }\n    expects: {}\n";
  expect(() => scenario(text)).toThrow(
    /s\.yaml:1:13: plugins\[0\]\.modul: no such field; did you mean module\?[\s\S]*s\.yaml:3:22: steps\[0\]\.request\.path: expected a string, got 5\ns\.yaml:4:5: steps\[0\]\.expects: no such field; did you mean expect\?/,
  );
});
