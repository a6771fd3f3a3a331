import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folder } from "./support/folder";
import { proxyWasm } from "./support/program";

/** Is a shell there? Without it CI fails; elsewhere its test is left out, and says so. */
function has(shell: string): boolean {
  if (spawnSync(shell, ["--version"]).status === 0) return true;
  if (process.env.CI === "true") throw new Error(`no ${shell} on this machine`);
  process.stderr.write(`!!! NO ${shell.toUpperCase()}: its completion is not tested\n`);
  return false;
}

/** Sources the script in a shell, and asks it what follows on these words. */
async function complete(shell: "bash" | "fish", words: readonly string[]): Promise<string[]> {
  const program = proxyWasm(["completion", shell]);
  await program.exit;
  const file = join(folder({ script: program.stdout }), "script");
  const line = ["proxy-wasm", ...words];
  const ask = {
    bash: `source ${file}; COMP_WORDS=(${line.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _proxy_wasm; printf '%s\\n' "\${COMPREPLY[@]}"`,
    fish: `source ${file}; complete -C "${line.join(" ")}"`,
  }[shell];
  const { stdout, stderr } = spawnSync(shell, ["-c", ask], { encoding: "utf8" });
  expect(stderr).toBe("");
  const words_ = stdout.split("\n").map((word) => word.split("\t")[0]!);
  return words_.filter((word) => word !== "");
}

describe.each(["bash", "fish"] as const)("proxy-wasm completion %s", (shell) => {
  it.skipIf(!has(shell))("completes commands, options and values", async () => {
    expect(await complete(shell, ["ru"])).toEqual(["run"]);
    expect(await complete(shell, ["te"])).toEqual(["test"]);
    expect(await complete(shell, ["run", "--eng"])).toEqual(["--engine"]);
    expect((await complete(shell, ["test", "--engine", ""])).sort()).toEqual(["both", "envoy", "node"]);
    expect(await complete(shell, ["run", "--log-level", "w"])).toEqual(["warning"]);
    expect((await complete(shell, ["completion", ""])).sort()).toEqual(["bash", "fish", "zsh"]);
  });
});

describe("proxy-wasm completion zsh", () => {
  it.skipIf(!has("zsh"))("is a script that zsh reads", async () => {
    const program = proxyWasm(["completion", "zsh"]);
    await program.exit;
    const file = join(folder({ script: program.stdout }), "script");
    const { status, stderr } = spawnSync("zsh", ["-n", file], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    expect(program.stdout).toMatch(/^#compdef proxy-wasm\n/);
  });

  it("any other shell is wrong usage", async () => {
    expect(await proxyWasm(["completion", "sh"]).exit).toMatchObject({ code: 2 });
  });
});
