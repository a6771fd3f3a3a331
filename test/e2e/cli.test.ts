import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folder } from "./support/folder";
import { proxyWasm, root } from "./support/program";

async function run(args: readonly string[], cwd?: string) {
  const program = proxyWasm(args, cwd === undefined ? {} : { cwd });
  const { code } = await program.exit;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

describe("proxy-wasm", () => {
  it.each([
    [["--help"]],
    [["help", "run"]],
    [["build", "--help"]],
    [["run", "--help"]],
    [["test", "--help"]],
    [["inspect", "--help"]],
    [["explain", "--help"]],
    [["envoy", "--help"]],
  ])("%j teaches with examples and exits 0", async (args) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/Examples:\n {2}\$ /);
    expect(stdout).not.toContain("\u001b[");
  });

  it("--version is the package's", async () => {
    const { code, stdout } = await run(["--version"]);
    expect(code).toBe(0);
    expect(stdout.trim()).toBe(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
  });

  it.each([
    ["nothing at all", [], /Usage: proxy-wasm/],
    ["an unknown command", ["rum"], /Did you mean run\?/],
    ["an unknown command that asks for help", ["rum", "--help"], /Did you mean run\?/],
    ["an unknown option", ["run", "x.yaml", "--egnine", "node"], /Did you mean --engine\?/],
    ["an unknown engine", ["run", "x.yaml", "--engine", "nginx"], /Allowed choices are node, envoy/],
    ["no file", ["run"], /which file\?/],
    ["two files", ["run", "x.yaml", "-c", "y.yaml"], /given twice/],
    ["a level that is none", ["run", "x.yaml", "-l", "loud"], /none of trace, debug, info, warning/],
    ["a pair that is none", ["run", "x.yaml", "--component-log-level", "wasm"], /component:level/],
    [
      "an unknown component",
      ["run", "x.yaml", "--component-log-level", "wsam:info"],
      /no log component 'wsam'/,
    ],
    ["no worker at all", ["run", "x.yaml", "--concurrency", "0"], /whole number/],
    [
      "a trace of Envoy",
      ["run", "x.yaml", "--engine", "envoy", "--trace"],
      /--component-log-level wasm:trace/,
    ],
    ["an override without a value", ["run", "x.yaml", "--set", "admin"], /path=value/],
    ["an argument too many", ["run", "x.yaml", "y.yaml"], /too many arguments/],
    ["no entry", ["build"], /missing required argument 'entry'/],
  ])("%s is wrong usage: exit 2", async (_, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

const HELLO = readFileSync(join(root, "examples/hello/index.ts"), "utf8");
const linked = { "package.json": "{}", "node_modules/.keep": "" };

describe("proxy-wasm build", () => {
  it("names the module after the folder, and prints its size", async () => {
    const cwd = folder();
    const { code, stdout, stderr } = await run(["build", join(root, "examples/hello")], cwd);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/hello\.wasm: [\d.]+ KiB \(\d+ bytes\) in \d+ ms/);
    expect(readFileSync(join(cwd, "hello.wasm")).toString("latin1", 0, 4)).toBe("\0asm");
    expect(code).toBe(0);
  });

  it("-o, --debug and --json", async () => {
    const cwd = folder();
    const { code, stdout } = await run(
      ["build", join(root, "examples/hello/index.ts"), "-o", "out/deep/h.wasm", "--debug", "--json"],
      cwd,
    );
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ file: "out/deep/h.wasm", debug: true });
    expect(result.exports).toContain("proxy_on_request_headers");
    expect(readFileSync(join(cwd, "out/deep/h.wasm")).length).toBe(result.size);
    expect(existsSync(join(cwd, "out/deep/h.wasm.map"))).toBe(true);
  });

  it("reports compiler errors with file and line: exit 1", async () => {
    const cwd = folder({ ...linked, "bad/index.ts": HELLO.replace("Action.Continue", '"continue"') });
    const { code, stderr } = await run(["build", "bad"], cwd);
    expect(code).toBe(1);
    expect(stderr).toMatch(/bad\/index\.ts:\d+:\d+: /);
    expect(existsSync(join(cwd, "bad.wasm"))).toBe(false);
  });

  it("--check writes nothing", async () => {
    const cwd = folder();
    const { code, stdout } = await run(["build", join(root, "examples/hello"), "--check"], cwd);
    expect(stdout).toMatch(/hello: nothing is wrong, in \d+ ms/);
    expect(code).toBe(0);
    expect(readdirSync(cwd)).toEqual([]);
    expect((await run(["build", "examples/hello", "--check", "-o", "x.wasm"])).code).toBe(2);
  });

  it("--json: a failure is an object too, with the error's code", async () => {
    const cwd = folder({ ...linked, "bad/index.ts": HELLO.replace("Action.Continue", '"continue"') });
    const { code, stdout, stderr } = await run(["build", "bad", "--json"], cwd);
    expect(code).toBe(1);
    const { error } = JSON.parse(stdout);
    expect(error.code).toBe("PW_BUILD");
    expect(error.message).toMatch(/^bad\/index\.ts:\d+:\d+: /);
    expect(stderr).toContain(error.message);
  });

  it("says which file is not there: exit 1", async () => {
    const { code, stderr } = await run(["build", "nowhere.ts"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nowhere\.ts: no such file/);
  });
});
