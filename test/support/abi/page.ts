import { CALLBACKS, type CallbackRow } from "../../../host/abi/callbacks";
import { HOSTCALLS } from "../../../host/abi/hostcalls";
import type { Param, SignatureRow } from "../../../host/abi/signature";
import { ABI_VERSIONS, inVersion } from "../../../host/abi/version";
import { WASI } from "../../../host/abi/wasi";
import { ENGINE_NAMES } from "../engines";
import { POINTS } from "./points";

/** What tests say of one hostcall or callback. */
export interface Cover {
  /** Tests as `section: behaviour`. */
  tests: readonly string[];
  /** What they came to, by engine. */
  verdicts: readonly string[];
}

export type Covers = ReadonlyMap<string, Cover>;

/** Callbacks that a module may export and that neither engine ever calls, or that need what tests cannot send. */
export const NEVER_CALLED: Readonly<Record<string, string>> = {
  proxy_on_request_metadata: "METADATA frames of HTTP/2, which ordinary clients do not send",
  proxy_on_response_metadata: "METADATA frames of HTTP/2, which ordinary servers do not send",
  proxy_on_foreign_function: "never called by Envoy's own extensions",
  proxy_validate_configuration: "looked up by Envoy, never called",
  envoy_on_stats_update: "called by Envoy's stats sink, which the Node engine does not have",
};

const OUTPUTS = new Set(["out", "outPairs", "out32", "out64"]);

function parameters(params: readonly Param[], result = ""): string {
  const inputs = params.filter(([, kind]) => !OUTPUTS.has(kind)).map(([name]) => name);
  const outputs = params.filter(([, kind]) => OUTPUTS.has(kind)).map(([name]) => name);
  const back = result === "" ? outputs : [...outputs, result];
  return `(${inputs.join(", ")})${back.length > 0 ? ` → ${back.join(", ")}` : ""}`;
}

function versions(row: SignatureRow): string {
  return ABI_VERSIONS.map((version) => (inVersion(version, row) ? "yes" : "")).join(" | ");
}

const HEAD = `${ABI_VERSIONS.join(" | ")} | ${ENGINE_NAMES.join(" | ")} | tests |`;
const RULE = "| --- ".repeat(2 + ABI_VERSIONS.length + ENGINE_NAMES.length + 1);

function line(name: string, shown: string, row: SignatureRow, cover: Cover | undefined): string {
  const tests = cover?.tests.map((test) => test.replaceAll("|", "\\|")).join("<br>");
  const note = NEVER_CALLED[name] === undefined ? "" : `*${NEVER_CALLED[name]}*`;
  const verdicts = ENGINE_NAMES.map((_, at) => cover?.verdicts[at] ?? "");
  return `| \`${name}\` | ${shown} | ${versions(row)} | ${verdicts.join(" | ")} | ${tests || note} |`;
}

function table(
  rows: Readonly<Record<string, SignatureRow>>,
  what: string,
  covers: Covers,
  result: (row: SignatureRow) => string,
) {
  return [
    `| ${what} | parameters | ${HEAD}`,
    `${RULE}|`,
    ...Object.entries(rows).map(([name, row]) =>
      line(name, parameters(row.params, result(row)), row, covers.get(name)),
    ),
  ];
}

/** docs/abi.md from the tables of host/abi and what tests have covered. */
export function abiPage(covers: Covers): string {
  const lines = [
    "# The ABI, and what proves it",
    "",
    "Generated: do not edit. Names, parameters and versions come from the tables in `host/abi`, from which the host itself",
    "is made. The last column names tests of [the conformance suite](conformance.md) that make the call or get the callback,",
    "on the Node engine and on Envoy 1.40 with the same assertions; a recorder notes what each test goes through, and a run of",
    "the suite brings this page up to date. The engines' columns say what those tests came to. `UPDATE_DOCS=1 npx vitest run",
    "--project unit test/contract/abi.test.ts` takes in a change of the tables alone.",
    "",
    "A module's version is that of its first export named `proxy_abi_version_*`. Importing a function that the version does",
    "not have, or with other types, is a link error; a callback of other types is refused when the module is loaded.",
    "",
    "## Hostcalls",
    "",
    "All return a status. After the arrow: what is stored at addresses the module passes.",
    "",
    ...table(HOSTCALLS, "hostcall", covers, () => ""),
    "",
    "`envoy_resolve_dns` is Envoy's own, beside the specification: what it answers is in buffer 8 of `envoy_on_resolve_dns`.",
    "`emscripten_notify_memory_growth` and `pthread_equal` can be imported in every version.",
    "",
    "## Callbacks",
    "",
    "After the arrow: what the result means. In ABI 0.1.0 `proxy_on_request_headers` and `proxy_on_response_headers` have no",
    "`endOfStream`.",
    "",
    ...table(CALLBACKS, "callback", covers, (row) => (row as CallbackRow).result ?? ""),
    "",
    "## WASI",
    "",
    "The same in every version, under `wasi_snapshot_preview1` and `wasi_unstable`. What each answers is a row of",
    "`test/conformance/wasi.test.ts`.",
    "",
    Object.keys(WASI)
      .map((name) => `\`${name}\``)
      .join(" "),
    "",
    "## Where hosts go wrong",
    "",
    "Points on which a host written after the specification alone differs from Envoy, and the tests of them.",
    "",
    "| # | point | tests |",
    "| --- | --- | --- |",
    ...POINTS.map(
      ({ says, tests }, at) =>
        `| ${at + 1} | ${says} | ${tests.map((test) => test.replaceAll("|", "\\|")).join("<br>")} |`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/** Reads the covers back out of a page. */
export function readCovers(page: string): Map<string, Cover> {
  const covers = new Map<string, Cover>();
  for (const row of page.split("\n")) {
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const name = /^`(\w+)`$/.exec(cells[1] ?? "")?.[1];
    if (name === undefined || cells.length < 3 + ABI_VERSIONS.length + ENGINE_NAMES.length + 1) continue;
    const verdicts = cells.slice(3 + ABI_VERSIONS.length, 3 + ABI_VERSIONS.length + ENGINE_NAMES.length);
    const tests = cells[3 + ABI_VERSIONS.length + ENGINE_NAMES.length]!;
    if (tests === "" || /^\*.*\*$/.test(tests)) continue;
    covers.set(name, { tests: tests.split("<br>").map((test) => test.replaceAll("\\|", "|")), verdicts });
  }
  return covers;
}
