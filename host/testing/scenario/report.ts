import type { Failure } from "./judge";

/** One scenario on one engine, or the comparison of the two. */
export interface Result {
  /** The scenario's file. */
  file: string;
  title: string;
  engine: "node" | "envoy" | "node = envoy";
  failures: Failure[];
  durationMs: number;
}

const nameOf = ({ title, engine }: Result) => `${title} [${engine}]`;

/** Three lines a failure: where, what was expected, what came. */
export function failureText({ where, what, expected, actual }: Failure): string {
  return `${where}: ${what}\n  expected ${expected}\n  got      ${actual}`;
}

const indented = (text: string, by: string) => text.replace(/^/gm, by);

/** For people. */
export function plainText(results: readonly Result[]): string {
  const lines = results.map((result) => {
    const head = `${result.failures.length === 0 ? "ok  " : "FAIL"} ${nameOf(result)} (${result.durationMs} ms)`;
    return [head, ...result.failures.map((failure) => indented(failureText(failure), "     "))].join("\n");
  });
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  return `${lines.join("\n")}\n${results.length - failed} passed, ${failed} failed\n`;
}

/** Test Anything Protocol, version 14 (https://testanything.org/tap-version-14-specification.html). */
export function tap(results: readonly Result[]): string {
  const lines = results.map((result, i) => {
    const description = nameOf(result).replace(/[\\#]/g, "\\$&").replace(/\s+/g, " ");
    const head = `${result.failures.length === 0 ? "ok" : "not ok"} ${i + 1} - ${description}`;
    if (result.failures.length === 0) return head;
    const message = result.failures.map(failureText).join("\n");
    return `${head}\n  ---\n  message: |\n${indented(message, "    ")}\n  ...`;
  });
  return `TAP version 14\n1..${results.length}\n${lines.join("\n")}\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Characters that XML 1.0 has no way to write. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Text for XML; characters it cannot hold become U+FFFD. */
function xml(text: string): string {
  const clean = text.replace(NOT_XML, "\ufffd").toWellFormed();
  return clean.replace(/[&<>"]/g, (char) => ENTITIES[char]!);
}

/** JUnit's XML, as continuous integration reads it. */
export function junit(results: readonly Result[]): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(3);
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  const total = results.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const cases = results.map((result) => {
    const { file, failures, durationMs } = result;
    const head = `    <testcase classname="${xml(file)}" name="${xml(nameOf(result))}" time="${seconds(durationMs)}"`;
    if (failures.length === 0) return `${head}/>`;
    const inside = failures.map((failure) => {
      const { where, what } = failure;
      return `      <failure message="${xml(`${where}: ${what}`)}">${xml(failureText(failure))}</failure>`;
    });
    return [`${head}>`, ...inside, "    </testcase>"].join("\n");
  });
  const counts = `tests="${results.length}" failures="${failed}" time="${seconds(total)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="proxy-wasm" ${counts}>`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}
