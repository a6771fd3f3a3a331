import { ENGINE_NAMES } from "../engines";
import type { Cover, Covers } from "./page";

/** One behaviour that ran. */
export interface Use {
  /** `section: behaviour`. */
  test: string;
  /** What it went through on the Node engine. */
  names: ReadonlySet<string>;
  /** By engine: `pass` or `fail`. */
  verdicts: ReadonlyMap<string, string>;
}

/** Tests named for one hostcall. */
const SHOWN = 3;
/** Words that many names share say nothing about a test. */
const COMMON = new Set(["proxy", "on", "get", "set", "envoy", "value", "http"]);
/** Sections where a call is made for another reason than itself; they stand there only if nothing else does. */
const ASIDE =
  /^(Restricted calls|Capabilities|Ready-made filters|Traps and failure|TCP filters: traps|Mock clusters)/;

/** How well a test fits a hostcall or callback: its name, or words of it, in the title; then how little else is done. */
function score(name: string, { test, names }: Use): readonly [aside: number, named: number, others: number] {
  const title = test.toLowerCase();
  const aside = ASIDE.test(test) ? 1 : 0;
  if (title.includes(name)) return [aside, -20, names.size];
  if (title.includes(name.replace("proxy_", ""))) return [aside, -10, names.size];
  const words = name.split("_").filter((word) => !COMMON.has(word) && title.includes(word));
  return [aside, -words.length, names.size];
}

function best(name: string, uses: readonly Use[]): string[] {
  const ranked = uses.map((use) => ({ test: use.test, rank: score(name, use) }));
  ranked.sort(
    (a, b) =>
      a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || a.rank[2] - b.rank[2] || (a.test < b.test ? -1 : 1),
  );
  return ranked.slice(0, SHOWN).map(({ test }) => test);
}

/**
 * What the page is to say after a run. Tests that stand there stay as long as they are true; the page changes only when
 * it has to. `complete` means that what did not run does not exist any more.
 */
export function choose(
  before: Covers,
  runs: readonly Use[],
  complete: boolean,
  names: readonly string[],
): Map<string, Cover> {
  const byTest = new Map(runs.map((use) => [use.test, use]));
  const covers = new Map<string, Cover>();
  for (const name of names) {
    const old = before.get(name);
    const kept = (old?.tests ?? []).filter((test) => byTest.get(test)?.names.has(name) ?? !complete);
    const using = runs.filter((use) => use.names.has(name));
    const tests = kept.length > 0 ? kept : best(name, using);
    if (tests.length === 0) continue;
    const verdicts = ENGINE_NAMES.map((engine, at) => {
      const seen = tests.flatMap((test) => byTest.get(test)?.verdicts.get(engine) ?? []);
      const before = kept.length > 0 ? (old?.verdicts[at] ?? "") : "";
      if (seen.length === 0) return before;
      if (!seen.includes("fail")) return "pass";
      // A run that fails says so itself; the page does not change back and forth with it.
      return before === "" ? "**fail**" : before;
    });
    covers.set(name, { tests, verdicts });
  }
  return covers;
}
