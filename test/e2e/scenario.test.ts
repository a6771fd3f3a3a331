import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { guest } from "../support/guests";
import { folder } from "./support/folder";
import { proxyWasm, root } from "./support/program";

const ENGINES = inject("envoy") === undefined ? ["node"] : ["node", "envoy"];

async function run(args: readonly string[], cwd = root) {
  const program = proxyWasm(args, { cwd });
  const { code } = await program.exit;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** A scenario that shows everything a file can say, with the scripted guest. */
const everything = (module: string) => `
name: everything
plugins:
  - module: ${module}
    root_id: p
    vm_id: v
    configuration: |
      on vm_start
        m = metric 0 hits
      on request_headers
        h = get 0 x-in
        add 0 x-seen $h
        id = call auth 1000 '' :method GET :path /check :authority auth
        return 1
      on http_call_response
        s = get 6 :status
        effective $stream
        continue 0
      on response_headers
        add 2 x-out 1
clusters:
  auth: { status: 204, headers: { x-role: admin }, delay_ms: 5 }
steps:
  - name: passes
    request:
      method: POST
      path: /a?b=c
      host: a.example
      headers: { x-in: café, x-twice: ["1", "2"] }
      body: [one, two]
      trailers: { x-trailer: t }
    upstream: { status: 201, headers: { x-app: demo }, body: [three, four], trailers: { x-end: e } }
    expect:
      status: 201
      headers: { x-out: "1", x-app: demo, x-none: null }
      body: threefour
      trailers: { x-end: e }
      forwarded:
        method: POST
        path: /a?b=c
        headers: { x-seen: café, x-twice: ["1", "2"] }
        body: onetwo
        trailers: { x-trailer: t }
  - request: { path: /cut }
    upstream: { failure: reset }
    expect: { status: 503 }
expect:
  logs: [s=0 204]
`;

describe("proxy-wasm test", () => {
  it.each(ENGINES)("%s: everything a scenario can say", async (engine) => {
    const cwd = folder({ "all.yaml": everything(await guest("puppet")) });
    const { code, stdout } = await run(["test", "all.yaml", "--engine", engine, "--tap"], cwd);
    expect(stdout).toBe(`TAP version 14\n1..1\nok 1 - everything [${engine}]\n`);
    expect(code).toBe(0);
  });

  it.runIf(ENGINES.length === 2)("both: the engines agree on the example, JUnit is written", async () => {
    const cwd = folder({});
    const file = join(root, "examples/sidecar/private.scenario.yaml");
    const { code, stdout } = await run(["test", file, "--engine", "both", "--json", "--junit", "r.xml"], cwd);
    const results = JSON.parse(stdout);
    expect(results.map(({ engine }: { engine: string }) => engine)).toEqual([
      "node",
      "envoy",
      "node = envoy",
    ]);
    expect(results.flatMap(({ failures }: { failures: unknown[] }) => failures)).toEqual([]);
    expect(readFileSync(join(cwd, "r.xml"), "utf8")).toContain('<testsuites tests="3" failures="0"');
    expect(code).toBe(0);
  });

  it("what is not as expected: says what came, exit 1", async () => {
    const text = everything(await guest("puppet"))
      .replace("body: threefour", "body: five")
      .replace("[s=0 204]", "[none]");
    const { code, stdout } = await run(["test", "bad.yaml"], folder({ "bad.yaml": text }));
    expect(stdout).toContain(
      'step 1 (passes): response body\n       expected "five"\n       got      "threefour"\n',
    );
    expect(stdout).toMatch(/scenario: log\n {7}expected "none"\n/);
    expect(stdout).toMatch(/0 passed, 1 failed\n$/);
    expect(code).toBe(1);
  });

  it("mistakes in the file: every place, exit 1", async () => {
    const { code, stderr } = await run(
      ["test", "bad.yaml"],
      folder({ "bad.yaml": "plugins: []\nstep: []\n" }),
    );
    expect(stderr).toContain("bad.yaml:2:1: step: no such field; did you mean steps?");
    expect(stderr).toContain("plugins: ");
    expect(code).toBe(1);
  });

  it("no such file: exit 2", async () => {
    const { code, stderr } = await run(["test", "nowhere.yaml"]);
    expect(stderr).toMatch(/^error: nowhere\.yaml: cannot be read: /);
    expect(code).toBe(2);
  });
});
