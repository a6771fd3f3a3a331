import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guest } from "../support/guests";
import { cli, root } from "./support/program";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "proxy-wasm-inspect-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function run(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: root,
    input,
    encoding: "latin1",
  });
  return { status, stdout, stderr };
}

describe("proxy-wasm inspect", () => {
  it("shows what hello is made of", () => {
    const { status, stdout } = run(["inspect", "build/examples/hello.wasm"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^build\/examples\/hello\.wasm: \d+ bytes, proxy-wasm ABI 0\.2\.1\n/);
    expect(stdout).toMatch(/^callbacks \(\d+\): .*proxy_on_request_headers/m);
    expect(stdout).toMatch(/^WASI \(0\): none$/m);
    expect(stdout).toMatch(/^ +\d+ +\d+\.\d % {2}code$/m);
    expect(stdout).toContain("    proxy_get_header_map_value: {}\n");
  });

  it("--json has all of it", () => {
    const report = JSON.parse(run(["inspect", "build/filters/metrics.wasm", "--json"]).stdout);
    expect(report).toMatchObject({ abi: "0.2.1", problems: [], wasi: [], otherImports: [] });
    const total = report.sections.reduce((sum: number, { bytes }: { bytes: number }) => sum + bytes, 8);
    expect(total).toBe(report.bytes);
    expect(report.capabilities).toEqual([...report.hostcalls, ...report.callbacks]);
    expect(report.functions[0].bytes).toBeGreaterThan(report.functions.at(-1).bytes);
  });

  it.each([
    [
      "unknown-import",
      /PROBLEM: import unknown-import\.proxy_no_such_hostcall does not exist in ABI 0\.2\.1/,
    ],
    ["no-marker", /PROBLEM: not a proxy-wasm module: no export names a known ABI version/],
    ["no-allocator", /PROBLEM: exports neither proxy_on_memory_allocate nor malloc/],
    ["bad-signature", /PROBLEM: export proxy_on_\w+ has type/],
  ])("says what keeps %s from running, exit 1", async (name, problem) => {
    const { status, stdout } = run(["inspect", await guest(name)]);
    expect(stdout).toMatch(problem);
    expect(status).toBe(1);
  });

  it("a file that is no wasm: one line, exit 1", () => {
    const { status, stderr } = run(["inspect", "package.json"]);
    expect(stderr).toMatch(/^error: package\.json: not a wasm module: .*\n$/);
    expect(status).toBe(1);
    expect(run(["inspect", "nowhere.wasm"]).stderr).toMatch(/^error: nowhere\.wasm: no such file\n$/);
  });
});

describe("proxy-wasm explain", () => {
  it("adds file and line to frames, and leaves every other byte alone", () => {
    const file = join(dir, "traps.wasm");
    expect(run(["build", "test/sdk/guests/traps.ts", "--debug", "-o", file]).status).toBe(0);
    const report = JSON.parse(run(["inspect", file, "--json"]).stdout);
    expect(report.functions.map(({ name }: { name: string }) => name)).toContain(
      "test/sdk/guests/traps/fall",
    );
    const { status, stdout } = run(["explain", file], "caf\xc3\xa9 \xff\n  0:  0x1 - nothing\nlast");
    expect(status).toBe(0);
    expect(stdout).toBe("caf\xc3\xa9 \xff\n  0:  0x1 - nothing\nlast\n");
  });

  it("a module without a map: says how to get one, exit 2", () => {
    const { status, stderr } = run(["explain", "build/examples/hello.wasm"]);
    expect(stderr).toContain("build it with --debug");
    expect(status).toBe(2);
  });
});
