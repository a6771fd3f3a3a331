import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type BuiltModule, buildModule } from "../../../host/build/index";
import { exchange, InMemoryHost } from "../support/in-memory";

const SOURCE = "test/sdk/guests/traps.ts";
const source = readFileSync(SOURCE, "utf8").split("\n");
/** `file:line` of the line of the guest that holds `text`. */
const place = (text: string) => `${SOURCE}:${source.findIndex((line) => line.includes(text)) + 1}`;

let debug: BuiltModule;
let release: BuiltModule;
beforeAll(async () => {
  debug = await buildModule({ entry: SOURCE, debug: true, outFile: "build/test-sdk/traps-debug.wasm" });
  release = await buildModule({ entry: SOURCE });
}, 60_000);

const beside = { "traps-debug.wasm.map": () => debug.sourceMap! };

/** With a limit of time there are checks in the module, and all of its code has moved. */
let maxCallbackMs: number | undefined;

/** The log entry of a trap in on_request_headers; `files` lie beside the module. */
async function trap(module: BuiltModule, how: string, files: Record<string, () => string> = {}) {
  const asked: string[] = [];
  const readBeside = (path: string) => {
    asked.push(path);
    return files[path.replace(/^\.\//, "")]?.();
  };
  const host = new InMemoryHost({ maxCallbackMs });
  const plugin = await host.load(module.wasm, { name: "shop", moduleName: "out/traps.wasm", readBeside });
  expect(asked, "nothing is read before a trap").toEqual([]);
  expect(exchange(plugin, [["x-trap", how]]).events).toContain("response headers 503 end");
  const lines = host.log.find((entry) => entry.includes("Function: "))!.split("\n");
  return { lines, head: lines[0]!, asked };
}

describe.each([undefined, 10_000])("the report of a trap, max-callback-ms %s", (limit) => {
  beforeAll(() => {
    maxCallbackMs = limit;
  });

  test("with a source map: message, plugin, context, and the stack with file and line", async () => {
    const { lines, asked } = await trap(debug, "bounds", beside);
    expect(asked).toEqual(["./traps-debug.wasm.map"]);
    expect(lines[0]).toMatch(
      /\[error\]\[wasm\] \[[^\]]*\] Function: proxy_on_request_headers failed: Uncaught RuntimeError: unreachable: abort: Index out of range at ~lib\/staticarray.ts:\d+:\d+$/,
    );
    expect(lines[1]).toBe('  plugin "shop", root_id "", module out/traps.wasm, context 2');
    expect(lines[2]).toBe("Proxy-Wasm plugin in-VM backtrace:");
    const own = lines.slice(3).filter((line) => line.includes(SOURCE));
    const frames = own.map((line) => /- (\S+) \((.*):\d+\)$/.exec(line)!.slice(1));
    expect(frames).toEqual([
      ["test/sdk/guests/traps/Shelf#take", place("this.items[7]")],
      ["test/sdk/guests/traps/Shelf#take", place("this.take(depth - 1)")],
      ["test/sdk/guests/traps/Shelf#take", place("this.take(depth - 1)")],
      ["test/sdk/guests/traps/fetchItem", place("shelf.take(2)")],
      ["test/sdk/guests/traps/fall", place('how == "bounds"')],
      ["test/sdk/guests/traps/Traps#onRequestHeaders", place("fall(this.request")],
    ]);
    expect(lines.slice(3).map((line) => line.trim().split(":")[0])).toEqual(
      [...Array(lines.length - 4).keys(), ""].map(String),
    );
  });

  test("frames that are all compiler's work are left out", async () => {
    const { lines } = await trap(debug, "bounds", beside);
    expect(lines.join("\n")).not.toContain("@override");
    const { lines: unmapped } = await trap(debug, "bounds");
    expect(unmapped.join("\n")).toContain("@override");
  });

  test("a module that names no map: <module>.map is tried", async () => {
    const { lines, asked } = await trap(release, "bounds", { "traps.wasm.map": () => "{ not json" });
    expect(asked).toEqual(["traps.wasm.map"]);
    expect(lines.at(-2)).toContain("build it with --debug");
    expect(lines[3]).toMatch(/^ {2}0: {2}0x[0-9a-f]+ - unknown\(function index:\d+\)$/);
  });

  test("the words of a throw are one line of the report", async () => {
    const { head } = await trap(debug, "throw", beside);
    expect(head).toContain(`unreachable: abort: no such thing at ${place("throw new")}:`);
  });

  test("a trap that says nothing", async () => {
    const { head, lines } = await trap(debug, "unreachable", beside);
    expect(head).toMatch(/Uncaught RuntimeError: unreachable$/);
    expect(lines[3]).toContain(`(${place('how == "unreachable"')}:`);
  });

  test("endless recursion: a bounded stack", async () => {
    const { head, lines } = await trap(debug, "endless", beside);
    expect(head).toContain("Maximum call stack size exceeded");
    expect(lines.length).toBeLessThan(40);
    expect(lines.at(-2)).toBe("  ... and more");
  });

  test("a trap in onConfigure: the refusal says why, the log where", async () => {
    const host = new InMemoryHost({ maxCallbackMs });
    const load = host.load(debug.wasm, {
      configuration: Buffer.from("throw"),
      readBeside: () => debug.sourceMap,
    });
    await expect(load).rejects.toThrow(
      'plugin plugin (root_id "", plugin.wasm) trapped while starting: Function: proxy_on_configure failed: Uncaught RuntimeError: unreachable: abort: no such thing at',
    );
    expect(host.log.join("")).toContain(`traps/Root#onConfigure (${place("fall(config)")}:`);
  });
});
