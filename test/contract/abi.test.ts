import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { CALLBACKS } from "../../host/abi/callbacks";
import { HOSTCALLS } from "../../host/abi/hostcalls";
import { choose, type Use } from "../support/abi/choose";
import { abiPage, NEVER_CALLED, readCovers } from "../support/abi/page";
import { POINTS } from "../support/abi/points";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = join(root, "docs/abi.md");
const covers = readCovers(readFileSync(file, "utf8"));

describe("docs/abi.md", () => {
  test("is what the tables say; if not, UPDATE_DOCS=1 or a run of conformance tests writes it anew", () => {
    if (process.env.UPDATE_DOCS) writeFileSync(file, abiPage(covers));
    expect(readFileSync(file, "utf8")).toBe(abiPage(covers));
  });

  test.each(Object.keys({ ...HOSTCALLS, ...CALLBACKS }).filter((name) => !(name in NEVER_CALLED)))(
    "%s has a test that passes on both engines (run its conformance tests, and the page knows)",
    (name) => {
      expect(covers.get(name)?.tests.length ?? 0).toBeGreaterThan(0);
      expect(covers.get(name)?.verdicts).toEqual(["pass", "pass"]);
    },
  );
});

describe("the points of the conformance list", () => {
  const sources = globSync("test/conformance/**/*.test.ts", { cwd: root })
    .map((name) => readFileSync(join(root, name), "utf8"))
    .join("\n");
  const ran = readFileSync(join(root, "docs/conformance.md"), "utf8");

  test("are 36", () => {
    expect(POINTS.length).toBe(36);
  });

  test.each(POINTS.map(({ says, tests }, at) => [at + 1, says, tests] as const))(
    "%i: %s",
    (_point, _says, tests) => {
      expect(tests.length).toBeGreaterThan(0);
      for (const name of tests) {
        const title = name.slice(name.lastIndexOf(": ") + 2);
        expect(sources.includes(title) || ran.includes(title), `a test called "${title}"`).toBe(true);
      }
    },
  );
});

describe("the choice of tests that stand on the page", () => {
  const use = (test: string, ...names: string[]): Use => ({
    test,
    names: new Set(names),
    verdicts: new Map([
      ["node", "pass"],
      ["envoy", "pass"],
    ]),
  });
  const names = ["proxy_done"];
  const old = new Map([["proxy_done", { tests: ["A: old"], verdicts: ["pass", "pass"] }]]);
  const chosen = (before: typeof old, runs: Use[], complete: boolean) =>
    choose(before, runs, complete, names).get("proxy_done")?.tests;

  test("what stands there stays while it is true", () => {
    expect(chosen(old, [use("A: old", "proxy_done"), use("B: proxy_done", "proxy_done")], true)).toEqual([
      "A: old",
    ]);
    expect(chosen(old, [use("B: proxy_done", "proxy_done")], false)).toEqual(["A: old"]);
  });

  test("a test that has gone, or does something else now, makes room", () => {
    expect(chosen(old, [use("B: x", "proxy_done")], true)).toEqual(["B: x"]);
    expect(chosen(old, [use("A: old"), use("B: x", "proxy_done")], false)).toEqual(["B: x"]);
    expect(chosen(old, [use("A: old")], true)).toBeUndefined();
  });

  test("names in titles first, then tests that do little else; asides last", () => {
    const runs = [
      use("Restricted calls: proxy_done", "proxy_done"),
      use("Z: much", "proxy_done", "proxy_log", "proxy_get_status"),
      use("Y: little", "proxy_done"),
      use("X: of done in words", "proxy_done", "proxy_log"),
    ];
    expect(chosen(new Map(), runs, false)).toEqual(["X: of done in words", "Y: little", "Z: much"]);
  });

  test("a failure shows where nothing stands yet; what stands there does not change with every run", () => {
    const failed = { ...use("A: old", "proxy_done"), verdicts: new Map([["node", "fail"]]) };
    const verdicts = (before: typeof old) =>
      choose(before, [failed], false, names).get("proxy_done")?.verdicts;
    expect(verdicts(new Map())).toEqual(["**fail**", ""]);
    expect(verdicts(old)).toEqual(["pass", "pass"]);
  });
});
