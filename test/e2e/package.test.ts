import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { bootstrap, httpListener, wasmFilter } from "../support/bootstrap";
import { folder } from "./support/folder";
import { Program, ready, root } from "./support/program";

const execute = promisify(execFile);
const FREE_PORTS = [
  "admin.address.socket_address.port_value=0",
  "static_resources.listeners[0].address.socket_address.port_value=0",
].flatMap((set) => ["--set", set]);
const ANSWER = { match: { prefix: "/" }, direct_response: { status: 200 } };

const INSTALL = ["install", "--prefer-offline", "--no-audit", "--no-fund"];
const npm = (args: string[], cwd: string) => execute("npm", args, { cwd });

describe("the packed package", () => {
  let packed: string;
  let tarball: string;
  beforeAll(async () => {
    packed = mkdtempSync(join(tmpdir(), "packed-"));
    const { stdout } = await npm(["pack", "--silent", "--pack-destination", packed], root);
    tarball = join(packed, stdout.trim().split("\n").at(-1)!);
  }, 120_000);
  afterAll(() => rmSync(packed, { recursive: true }));

  it("builds and runs a filter in a project that has only it", { timeout: 180_000 }, async () => {
    const config = bootstrap({
      listeners: [
        httpListener({
          name: "main",
          filters: [wasmFilter({ name: "hello", wasm: "filter.wasm" })],
          routes: [ANSWER],
        }),
      ],
      clusters: [],
    });
    const cwd = folder({
      "package.json": { name: "user", private: true, type: "module" },
      "filter.ts": readFileSync(join(root, "examples/hello/index.ts"), "utf8"),
      "envoy.json": config,
      "use.ts":
        'import { nodeEngine, type RunningEngine } from "proxy-wasm-toolkit";\n' +
        'export const up: Promise<RunningEngine> = nodeEngine.start({ configPath: "envoy.json" });\n' +
        "// @ts-expect-error the types are really there\nexport const no: string = nodeEngine;\n" +
        'import { TestHost } from "proxy-wasm-toolkit/testing";\n' +
        'export const host: Promise<TestHost> = TestHost.start({ plugins: { module: "filter.ts" } });\n' +
        "// @ts-expect-error so are these\nexport const none: string = host;\n",
      "kit.mjs":
        'import { TestHost } from "proxy-wasm-toolkit/testing";\n' +
        'const host = await TestHost.start({ plugins: { module: "filter.ts" } });\n' +
        "const exchange = host.request();\nexchange.respond();\nhost.close();\n" +
        'console.log(exchange.response.headers.get("x-hello"));\n',
      "tsconfig.json": {
        compilerOptions: {
          module: "nodenext",
          target: "es2023",
          strict: true,
          noEmit: true,
          typeRoots: [join(root, "node_modules/@types")],
          types: ["node"],
        },
        include: ["use.ts"],
      },
      // As an editor sees a filter: the SDK's files are found. (The compiler's own judge of them is asc.)
      "editor/json.ts": 'export { parseJson } from "proxy-wasm-toolkit/sdk/text/json";\n',
      "editor/tsconfig.json": {
        extends: "../node_modules/assemblyscript/std/assembly.json",
        compilerOptions: { noEmit: true },
        files: ["json.ts"],
      },
    });
    await npm([...INSTALL, tarball], cwd);
    const installed = join(cwd, "node_modules/proxy-wasm-toolkit");
    for (const filter of ["fault", "authz", "metrics", "ratelimit"])
      expect(existsSync(join(installed, `build/filters/${filter}.wasm`))).toBe(true);
    expect(readdirSync(installed).sort()).toEqual(
      [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "asconfig.json",
        "build",
        "dist",
        "docs",
        "filters",
        "package.json",
        "sdk",
        "templates",
      ].sort(),
    );

    await execute(join(root, "node_modules/.bin/tsc"), ["-p", cwd], { cwd });
    const editor = execute(join(root, "node_modules/.bin/tsc"), ["-p", join(cwd, "editor")], { cwd });
    expect(
      await editor.then(
        ({ stdout }) => stdout,
        ({ stdout }) => stdout,
      ),
    ).not.toContain("TS2307");
    // As the user's shell would: by the Node that npm itself runs on, which may be older than ours.
    const node = process.env.npm_node_execpath ?? process.execPath;
    const bin = join(cwd, "node_modules/.bin/proxy-wasm");
    await execute(node, [bin, "build", "filter.ts"], { cwd });
    const program = new Program(node, [bin, "run", "envoy.json"], { cwd });
    const { listener } = await ready(program);
    const response = await fetch(`http://127.0.0.1:${listener}/`);
    expect(response.headers.get("x-hello")).toBe("world");
    expect((await execute(node, ["kit.mjs"], { cwd })).stdout).toBe("world\n");
    program.signal("SIGTERM");
    expect((await program.exit).code).toBe(0);
  });

  it.skipIf(!inject("envoy"))(
    "makes a filter project that builds and passes its test",
    { timeout: 300_000 },
    async () => {
      const cwd = folder({ "package.json": { name: "user", private: true } });
      await npm([...INSTALL, tarball], cwd);
      const bin = join(cwd, "node_modules/.bin/proxy-wasm");
      const { stdout } = await execute(bin, ["init", "a-filter"], { cwd });
      expect(stdout).toContain("cd a-filter && npm install && npm test");

      const project = join(cwd, "a-filter");
      expect(readdirSync(project).sort()).toEqual(
        [".gitignore", "README.md", "asconfig.json", "envoy.yaml", "filter.scenario.yaml", "index.ts"].concat(
          ["package.json", "tsconfig.json"],
        ),
      );
      const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
      expect(manifest.name).toBe("a-filter");
      expect(manifest.devDependencies).toEqual({ "proxy-wasm-toolkit": `file:${tarball}` });

      await npm(INSTALL, project);
      await npm(["run", "check"], project);
      // A method that only a proxy calls is checked too.
      const source = readFileSync(join(project, "index.ts"), "utf8");
      writeFileSync(join(project, "index.ts"), source.replace("Action.Continue", "Action.Carry"));
      await expect(npm(["run", "check"], project)).rejects.toMatchObject({
        stderr: expect.stringMatching(/index\.ts:\d+:\d+: Property 'Carry' does not exist/),
      });
      writeFileSync(join(project, "index.ts"), source);
      const test = await npm(["test"], project);
      expect(test.stdout).toContain("3 passed, 0 failed");

      const program = new Program(process.execPath, [bin, "run", "envoy.yaml", ...FREE_PORTS], {
        cwd: project,
      });
      const { listener } = await ready(program);
      expect((await fetch(`http://127.0.0.1:${listener}/`)).headers.get("x-hello")).toBe("world");
      await expect(execute(bin, ["init", "a-filter"], { cwd })).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringContaining("a-filter: not empty"),
      });
    },
  );
});
