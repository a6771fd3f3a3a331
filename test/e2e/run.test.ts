import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { bootstrap, cluster, httpListener, type Json, socketAddress, wasmFilter } from "../support/bootstrap";
import { ENGINE_NAMES } from "../support/engines";
import { assembled, guest } from "../support/guests";
import { folder } from "./support/folder";
import { isListening } from "./support/port";
import { proxyWasm, ready, root } from "./support/program";

const HELLO = join(root, "build/examples/hello.wasm");
const ANSWER: Json = {
  match: { prefix: "/" },
  direct_response: { status: 200, body: { inline_string: "hi" } },
};
const FORWARD: Json = { match: { prefix: "/" }, route: { cluster: "app" } };

interface File {
  filters?: readonly Json[];
  routes?: readonly Json[];
  clusters?: readonly Json[];
  port?: number;
}

function file({ filters = [], routes = [ANSWER], clusters = [], port = 0 }: File = {}): Json {
  return bootstrap({ listeners: [httpListener({ name: "main", filters, routes, port })], clusters });
}

/** An upstream whose answers the test gives by hand. */
async function upstream() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    /** The next request's response, to be answered. */
    request: async () => (await once(server, "request"))[1] as ServerResponse,
  };
}

/** The CLI's own lines, without the proxy's log (whose entries can have several lines in Envoy). */
function ownLines(stderr: string): string[] {
  return stderr.split("\n").filter((line) => /^(error: |internal error: |[^\s:]+:\d+:\d+: )/.test(line));
}

for (const engine of ENGINE_NAMES) {
  const missing = engine === "envoy" && !inject("envoy");
  describe.skipIf(missing)(`proxy-wasm run [${engine}]`, { timeout: 30_000 }, () => {
    const run = (config: string | object | Uint8Array, more: readonly string[] = [], files = {}) => {
      const cwd = folder({ "envoy.json": config, ...files });
      return proxyWasm(["run", "envoy.json", "--engine", engine, ...more], { cwd });
    };

    it("serves, says where, and stops on SIGTERM with exit code 0 and nothing left", async () => {
      const program = run(file({ filters: [wasmFilter({ name: "hello", wasm: HELLO })] }));
      const { listener, admin, ms } = await ready(program);
      console.log(`${engine}: ready in ${ms} ms`);
      const live = await fetch(`http://127.0.0.1:${admin}/ready`);
      expect([live.status, await live.text()]).toEqual([200, "LIVE\n"]);
      const listeners = await (await fetch(`http://127.0.0.1:${admin}/listeners?format=json`)).json();
      expect(listeners).toMatchObject({
        listener_statuses: [{ name: "main", local_address: { socket_address: { port_value: listener } } }],
      });
      const response = await fetch(`http://127.0.0.1:${listener}/`);
      expect([response.status, response.headers.get("x-hello")]).toEqual([200, "world"]);
      program.signal("SIGTERM");
      expect(await program.exit).toEqual({ code: 0, signal: null });
      expect(await isListening(listener)).toBe(false);
      expect(await isListening(admin)).toBe(false);
      expect(ownLines(program.stderr)).toEqual([]);
      expect(program.stdout).toBe("");
    });

    it("drains on SIGINT: a request in flight is answered, new ones are not taken", async () => {
      const app = await upstream();
      const program = run(file({ routes: [FORWARD], clusters: [cluster("app", app.port)] }));
      const { listener } = await ready(program);
      const arrived = app.request();
      const answer = fetch(`http://127.0.0.1:${listener}/slow`);
      const response = await arrived;
      program.signal("SIGINT");
      await expect.poll(() => isListening(listener), { timeout: 5000 }).toBe(false);
      response.end("at last");
      expect(await (await answer).text()).toBe("at last");
      expect(await program.exit).toEqual({ code: 0, signal: null });
    });

    it("a second signal ends at once", async () => {
      const app = await upstream();
      const program = run(file({ routes: [FORWARD], clusters: [cluster("app", app.port)] }));
      const { listener } = await ready(program);
      const arrived = app.request();
      const answer = fetch(`http://127.0.0.1:${listener}/never`).then(
        () => "answered",
        () => "cut",
      );
      await arrived;
      program.signal("SIGTERM");
      await expect.poll(() => isListening(listener), { timeout: 5000 }).toBe(false);
      program.signal("SIGTERM");
      expect(await program.exit).toEqual({ code: 0, signal: null });
      expect(await answer).toBe("cut");
    });

    it("exits 0 when it is quit through its admin interface", async () => {
      const program = run(file());
      const { admin } = await ready(program);
      await fetch(`http://127.0.0.1:${admin}/quitquitquit`, { method: "POST" });
      expect(await program.exit).toEqual({ code: 0, signal: null });
    });

    it("leaves nothing behind when it is killed", async () => {
      const program = run(file());
      const { listener } = await ready(program);
      program.signal("SIGKILL");
      await program.exit;
      await expect.poll(() => isListening(listener), { timeout: 5000 }).toBe(false);
    });

    it("--set overrides fields of the file", async () => {
      const taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      onTestFinished(() => void taken.close());
      const { port } = taken.address() as AddressInfo;
      const program = run(file({ port }), [
        "--set",
        "static_resources.listeners[0].address.socket_address.port_value=0",
      ]);
      const { listener } = await ready(program);
      expect(listener).not.toBe(port);
      expect((await fetch(`http://127.0.0.1:${listener}/`)).status).toBe(200);
    });

    it("an override of an unknown path is wrong usage: exit 2", async () => {
      const program = run(file(), ["--set", "admin.adress.socket_address.port_value=0"]);
      expect((await program.exit).code).toBe(2);
      expect(ownLines(program.stderr)[0]).toContain("admin.adress");
    });

    it("guest bytes come out as they went in, in Envoy's line format", async () => {
      const script = "on configure\n  log 2 caf%e9%ff%c3%a9\n  return 1\n";
      const wasm = await guest("puppet");
      const program = run(
        file({
          filters: [wasmFilter({ name: "puppet", rootId: "root", vmId: "vm", wasm, configuration: script })],
        }),
        ["-l", "warning", "--component-log-level", "wasm:info"],
      );
      await program.saw(
        /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[info\]\[wasm\] \[[^\]]+\] wasm log root vm: caf\xe9\xff\xc3\xa9$/m,
      );
      expect(program.stderr).not.toMatch(/\[info\]\[(?!wasm|main\] \[proxy-wasm\])/);
    });

    it("where it listens is said at any level", async () => {
      await run(file(), ["-l", "critical"]).saw(/engine ready in \d+ ms: /);
    });

    describe("a start that fails exits 1 and says why", () => {
      const failing = async (program: ReturnType<typeof run>, ...words: RegExp[]) => {
        expect((await program.exit).code).toBe(1);
        const own = ownLines(program.stderr);
        expect(own, program.stderr.slice(-2000)).toHaveLength(1);
        for (const word of words) expect(own[0]).toMatch(word);
        expect(program.stderr).not.toMatch(/\n\s+at /);
      };

      it("a listener's port in use", async () => {
        const taken = createServer().listen(0, "127.0.0.1");
        await once(taken, "listening");
        onTestFinished(() => void taken.close());
        const { port } = taken.address() as AddressInfo;
        await failing(run(file({ port })), new RegExp(`127\\.0\\.0\\.1:${port}`), /in use/i);
      });

      it("the admin port in use", async () => {
        const taken = createServer().listen(0, "127.0.0.1");
        await once(taken, "listening");
        onTestFinished(() => void taken.close());
        const { port } = taken.address() as AddressInfo;
        await failing(run({ ...file(), admin: { address: socketAddress(port) } }), /in use/i);
      });

      it("a file that is not there", async () => {
        const program = proxyWasm(["run", "nowhere.yaml", "--engine", engine]);
        await failing(program, /nowhere\.yaml/, /no such file/i);
      });

      it("a module that is none", async () => {
        const filters = [wasmFilter({ name: "bad", wasm: "bad.wasm" })];
        await failing(run(file({ filters }), [], { "bad.wasm": "this is no module" }), /envoy\.json/);
      });

      it("a module that is not there", async () => {
        const filters = [wasmFilter({ name: "bad", wasm: "missing.wasm" })];
        await failing(run(file({ filters })), /missing\.wasm/);
      });

      it("a refused plugin configuration", async () => {
        const wasm = join(root, "build/filters/fault.wasm");
        const configuration = JSON.stringify({ http: 5 });
        const filters = [wasmFilter({ name: "fault", rootId: "fault", wasm, configuration })];
        await failing(run(file({ filters })), /envoy\.json/);
      });

      it("a file that is no YAML", async () => {
        await failing(run("admin: {\n"), /envoy\.json/);
      });
    });
  });
}

describe("proxy-wasm run", { timeout: 30_000 }, () => {
  it("node: runs the sidecar example as it is, and says how soon it was ready", async () => {
    const free = ["admin", "static_resources.listeners[0]"].flatMap((path) => [
      "--set",
      `${path}.address.socket_address.port_value=0`,
    ]);
    const program = proxyWasm(["run", "examples/sidecar/envoy.yaml", ...free]);
    const { ms, listener } = await ready(program);
    console.log(`proxy-wasm run examples/sidecar/envoy.yaml: ready ${ms} ms after its process started`);
    expect((await fetch(`http://127.0.0.1:${listener}/private`)).status).toBe(403);
  });

  it("node: reports every problem of a file at once, with its place", async () => {
    const config = `admin:
  address: { socket_address: { address: 127.0.0.1, port_value: many } }
static_resources:
  listeners:
    - name: main
      address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
      use_original_dst: true
`;
    const program = proxyWasm(["run", "envoy.yaml"], { cwd: folder({ "envoy.yaml": config }) });
    expect((await program.exit).code).toBe(1);
    const own = ownLines(program.stderr);
    expect(own.some((l) => /^envoy\.yaml:2:\d+: admin\.address\.socket_address\.port_value: /.test(l))).toBe(
      true,
    );
    expect(
      own.some((l) =>
        /^envoy\.yaml:7:\d+: static_resources\.listeners\[0\]\.use_original_dst: .*not supported/.test(l),
      ),
    ).toBe(true);
    expect(own.every((l) => l.startsWith("envoy.yaml:"))).toBe(true);
  });

  it("node: --lenient warns about what it does not support, and runs", async () => {
    const config = { ...file(), watchdog: { miss_timeout: "5s" } };
    const cwd = folder({ "envoy.json": config });
    const strict = proxyWasm(["run", "envoy.json"], { cwd });
    expect((await strict.exit).code).toBe(1);
    const lenient = proxyWasm(["run", "-c", "envoy.json", "--lenient"], { cwd });
    await ready(lenient);
    expect(lenient.stderr).toMatch(/\[warning\]\[config\] .*envoy\.json:\d+:\d+: watchdog: not supported/);
  });

  it("node: --substitute puts this package's filters in the place of Envoy's own", async () => {
    const fault = {
      name: "envoy.filters.http.fault",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
        abort: { http_status: 418, percentage: { numerator: 100 } },
      },
    };
    const cwd = folder({ "envoy.json": file({ filters: [fault] }) });
    const without = proxyWasm(["run", "envoy.json"], { cwd });
    expect((await without.exit).code).toBe(1);
    expect(without.stderr).toMatch(
      /envoy\.json:\d+:\d+: .*filters\/fault does its work, and --substitute puts/,
    );
    const program = proxyWasm(["run", "envoy.json", "--substitute"], { cwd });
    const { listener } = await ready(program);
    expect((await fetch(`http://127.0.0.1:${listener}/`)).status).toBe(418);
    const envoy = proxyWasm(["run", "envoy.json", "--substitute", "--engine", "envoy"], { cwd });
    expect((await envoy.exit).code).toBe(2);
  });

  it("node: --trace shows what plugins are called with and what they call", async () => {
    const filters = [wasmFilter({ name: "hello", wasm: HELLO })];
    const program = proxyWasm(["run", "envoy.json", "--trace"], {
      cwd: folder({ "envoy.json": file({ filters }) }),
    });
    const { listener } = await ready(program);
    await fetch(`http://127.0.0.1:${listener}/`, { headers: { "user-agent": "twelve chars" } });
    program.signal("SIGTERM");
    await program.exit;
    expect(program.stderr).toMatch(
      /^[\d:.]{12} hello#2 ==> proxy_on_request_headers\(context=2, headers=\d+, endOfStream=true\)$/m,
    );
    expect(program.stderr).toContain(
      'hello#2   ==> proxy_get_header_map_value(map=HttpRequestHeaders, key="user-agent") <== OK "twelve chars"',
    );
    expect(program.stderr).toMatch(/^[\d:.]{12} hello#2 <== Continue in [\d.]+ ms$/m);
  });

  it("node: --max-callback-ms ends a callback that never comes back, and the proxy lives on", async () => {
    const wasm = assembled(
      "endless",
      `(module (memory (export "memory") 1)
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (loop (br 0)) (unreachable)))`,
    );
    const filters = [wasmFilter({ name: "spin", wasm })];
    const program = proxyWasm(["run", "envoy.json", "--max-callback-ms", "100"], {
      cwd: folder({ "envoy.json": file({ filters }) }),
    });
    const { listener, admin } = await ready(program);
    for (let i = 0; i < 2; i++) expect((await fetch(`http://127.0.0.1:${listener}/`)).status).toBe(503);
    expect((await fetch(`http://127.0.0.1:${admin}/ready`)).status).toBe(200);
    program.signal("SIGTERM");
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.stderr).toMatch(
      /Function: proxy_on_request_headers failed: Uncaught Error: ran for longer than 100 ms.*\n.*plugin "spin".*\nProxy-Wasm plugin in-VM backtrace:\n +0: +0x/,
    );
  });

  it("node: a defect of the host outside any stream is logged, and the proxy lives on", async () => {
    const defect = "process.on('SIGUSR2', () => { throw new TypeError('a defect') })";
    const program = proxyWasm(["run", "envoy.json"], {
      cwd: folder({ "envoy.json": file() }),
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(defect)}` },
    });
    const { listener } = await ready(program);
    program.signal("SIGUSR2");
    await program.saw(/\[critical\]\[main\] .*host bug in the proxy: TypeError: a defect/);
    expect((await fetch(`http://127.0.0.1:${listener}/`)).status).toBe(200);
    program.signal("SIGTERM");
    expect(await program.exit).toEqual({ code: 0, signal: null });
  });

  it("node: --concurrency above 1 is said to run as 1", async () => {
    const program = proxyWasm(["run", "envoy.json", "--concurrency", "4"], {
      cwd: folder({ "envoy.json": file() }),
    });
    await ready(program);
    expect(program.stderr).toMatch(/\[warning\]\[main\] .*1 worker, not 4/);
  });

  it.skipIf(!inject("envoy"))("envoy: its death is exit 1", async () => {
    const program = proxyWasm(["run", "envoy.json", "--engine", "envoy"], {
      cwd: folder({ "envoy.json": file() }),
    });
    await ready(program);
    const [, pid] = await program.saw(/^\[[^\]]+\]\[(\d+)\]\[info\]\[main\] \[source\/server/m);
    process.kill(Number(pid), "SIGKILL");
    expect((await program.exit).code).toBe(1);
    expect(ownLines(program.stderr)).toEqual([expect.stringMatching(/envoy died \(signal SIGKILL\)/)]);
  });

  it("envoy: without one to be had, says the three ways to get one", async () => {
    const cwd = folder({ "envoy.json": file() });
    const env = { ENVOY_PATH: "", PATH: "/nonexistent", XDG_CACHE_HOME: join(cwd, "cache"), ENVOY_CACHE: "" };
    const program = proxyWasm(["run", "envoy.json", "--engine", "envoy"], { cwd, env });
    expect((await program.exit).code).toBe(1);
    expect(program.stderr).toMatch(/ENVOY_PATH[\s\S]*on PATH[\s\S]*pip/);
  });
});
