import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildModule } from "../../host/build/index";
import { debugInfo, explainLine } from "../../host/inspect/index";
import { bootstrap, httpListener, type Json, wasmFilter } from "../support/bootstrap";
import { describeEngines, type EngineUnderTest } from "../support/describe-engines";
import { exchange } from "../support/raw-client";

const SOURCE = "test/sdk/guests/traps.ts";
const START_SOURCE = "test/sdk/guests/traps-at-start.ts";
/** `file:line` of the first line of a guest that holds `text`. */
function lineOf(source: string, text: string): string {
  return `${source}:${readFileSync(source, "utf8").slice(0, readFileSync(source, "utf8").indexOf(text)).split("\n").length}`;
}

let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "proxy-wasm-traps-"));
  await buildModule({ entry: SOURCE, debug: true, outFile: join(dir, "debug.wasm") });
  await buildModule({ entry: START_SOURCE, debug: true, outFile: join(dir, "start.wasm") });
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function proxyWith(module: string, configuration = ""): Json {
  const filter = wasmFilter({ name: "shop", rootId: "", wasm: join(dir, `${module}.wasm`), configuration });
  const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
  return bootstrap({ listeners: [httpListener({ name: "l", filters: [filter], routes })], clusters: [] });
}

/** Everything an engine has logged so far. */
const text = ({ lastLog }: EngineUnderTest) => lastLog.lines.map(({ message }) => message).join("\n");

/** The report of the one trap in the log: its first line, and the functions of its stack, innermost first. */
function report(engine: EngineUnderTest): { head: string; frames: string[]; all: string } {
  const all = text(engine).slice(text(engine).indexOf("Function: proxy_"));
  const frames = [...all.matchAll(/^ +\d+: +0x[0-9a-f]+ - (.*)$/gm)].map((match) => match[1]!);
  return { head: all.split("\n")[0]!, frames, all };
}

async function trapped(engine: EngineUnderTest, module: string, how: string) {
  const proxy = await engine.start(proxyWith(module));
  expect((await exchange(proxy.port(), { headers: [["x-trap", how]] })).status).toBe(503);
  await proxy.log.waitFor(
    (lines) => lines.find(({ message }) => message.includes("backtrace:")),
    "the stack",
  );
  return report(engine);
}

describeEngines("Trap reports", (engine) => {
  test("a trap deep in calls names the callback and the functions on the guest's stack", async () => {
    const { head, frames } = await trapped(engine, "debug", "bounds");
    expect(head).toMatch(/^Function: proxy_on_request_headers failed: Uncaught RuntimeError: unreachable/);
    const names = frames.map((frame) => frame.replace(/ \(.*$/, ""));
    expect(
      names.filter((name) => /\/(Shelf#take|fetchItem|fall|Traps#onRequestHeaders)$/.test(name)),
    ).toEqual([
      ...Array(3).fill("test/sdk/guests/traps/Shelf#take"),
      "test/sdk/guests/traps/fetchItem",
      "test/sdk/guests/traps/fall",
      "test/sdk/guests/traps/Traps#onRequestHeaders",
    ]);
  });

  test("explain finds the lines in the engine's own log", async () => {
    const { all } = await trapped(engine, "debug", "bounds");
    const file = join(dir, "debug.wasm");
    const debug = debugInfo(readFileSync(file), file, () => readFileSync(`${file}.map`, "utf8"));
    const bare = all.replaceAll(/ \([^()]*:\d+:\d+\)$/gm, "");
    const explained = bare.split("\n").map((line) => explainLine(line, debug));
    const places = explained.flatMap((line) => /#take \((.*):\d+\)$/.exec(line)?.[1] ?? []);
    expect(places).toEqual([
      lineOf(SOURCE, "this.items[7]"),
      lineOf(SOURCE, "this.take(depth - 1)"),
      lineOf(SOURCE, "this.take(depth - 1)"),
    ]);
    expect(explained.filter((line) => !/^ +\d+:/.test(line))).toEqual(
      bare.split("\n").filter((line) => !/^ +\d+:/.test(line)),
    );
  });

  test("the message and place of an abort are logged before the trap", async () => {
    const { head } = await trapped(engine, "debug", "throw");
    const log = text(engine);
    const abort = log.indexOf(`abort: no such\nthing at ${lineOf(SOURCE, "throw new")}:`);
    expect(abort).toBeGreaterThan(0);
    expect(abort).toBeLessThan(log.indexOf(head));
  });

  test("a trap in onConfigure and one in top-level code refuse the start, with a stack", async () => {
    await expect(engine.start(proxyWith("debug", "bounds"))).rejects.toThrow();
    expect(text(engine)).toContain("Function: proxy_on_configure failed: Uncaught RuntimeError: unreachable");
    expect(text(engine)).toContain("test/sdk/guests/traps/Shelf#take");
    await expect(engine.start(proxyWith("start"))).rejects.toThrow();
    expect(text(engine)).toContain("Function: _initialize failed: Uncaught RuntimeError: unreachable");
    expect(text(engine)).toContain("test/sdk/guests/traps-at-start/check");
  });
});
