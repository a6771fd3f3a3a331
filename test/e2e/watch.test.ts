import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { fillFolder } from "../../host/certs/folder";
import { readIdentity } from "../../host/certs/spiffe";
import { bootstrap, httpListener, type Json, wasmFilter } from "../support/bootstrap";
import { ENGINE_NAMES } from "../support/engines";
import { folder } from "./support/folder";
import { type Program, proxyWasm, root } from "./support/program";

/** A filter that adds its configuration and a word of its own to every response. */
const source = (
  word: string,
) => `import { Action, HttpFilter, registerHttp, RootContext } from "proxy-wasm-toolkit/sdk";
import { WORD } from "./word";
class Root extends RootContext {
  text: string = "";
  onConfigure(config: string): string | null {
    this.text = config;
    return config == "refused" ? "no" : null;
  }
}
class Filter extends HttpFilter {
  onResponseHeaders(): Action {
    this.response.headers.add("x-seen", ${word} + " " + (this.root as Root).text);
    return Action.Continue;
  }
}
registerHttp<Filter, Root>("f");
`;

interface Wanted {
  configuration?: string;
  body?: string;
  more?: Json;
}

const config = ({ configuration = "one", body = "first", more = {} }: Wanted = {}) =>
  JSON.stringify(
    bootstrap({
      listeners: [
        httpListener({
          name: "main",
          filters: [wasmFilter({ name: "f", rootId: "f", wasm: "out/f.wasm", configuration })],
          routes: [
            {
              match: { prefix: "/" },
              direct_response: { status: 200, body: { inline_string: body } },
              ...more,
            },
          ],
        }),
      ],
      clusters: [],
    }),
  );

/** A project whose package is this clone. */
function project(files: Readonly<Record<string, string>>) {
  const cwd = folder(files);
  mkdirSync(join(cwd, "node_modules"));
  symlinkSync(root, join(cwd, "node_modules/proxy-wasm-toolkit"));
  return { cwd, edit: (file: string, text: string) => writeFileSync(join(cwd, file), text) };
}

/** Waits for text that was not there before. */
async function after(program: Program, act: () => void, pattern: RegExp): Promise<RegExpExecArray> {
  const seen = program.stderr.length;
  act();
  return program.saw(pattern, "stderr", seen);
}

for (const engine of ENGINE_NAMES) {
  const missing = engine === "envoy" && !inject("envoy");
  describe.skipIf(missing)(`proxy-wasm run --watch [${engine}]`, () => {
    it("follows sources and file; what is refused changes nothing", { timeout: 60_000 }, async () => {
      const { cwd, edit } = project({
        "f.ts": source("WORD"),
        "word.ts": 'export const WORD: string = "a";',
        "envoy.json": config(),
      });
      const program = proxyWasm(
        ["run", "envoy.json", "--engine", engine, "-l", "info", "--watch", "--build", "f.ts=out/f.wasm"],
        { cwd },
      );
      let [, port] = await program.saw(/engine ready in \d+ ms: main 127\.0\.0\.1:(\d+)/);
      const get = async () => {
        const response = await fetch(`http://127.0.0.1:${port}/`);
        return `${response.headers.get("x-seen")} ${await response.text()}`;
      };
      const step = async (file: string, text: string) => {
        const [line] = await after(program, () => edit(file, text), /[^\n]* changed[^\n]*in \d+ ms/);
        port = /restarted \(main 127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? port;
        return line;
      };
      const refused = async (file: string, text: string) => {
        const before = program.stderr.length;
        await after(program, () => edit(file, text), /what ran before runs on/);
        return program.stderr.slice(before);
      };
      const swapped = engine === "node" ? /swapped f in/ : /restarted \(main/;
      expect(await get()).toBe("a one first");

      // A source of the source.
      const line = await step("word.ts", 'export const WORD: string = "b";');
      expect(line).toContain("word.ts changed, compiled f.wasm: ");
      expect(line).toMatch(swapped);
      expect(await get()).toBe("b one first");

      expect(await refused("f.ts", source("NONE"))).toMatch(/^f\.ts:\d+:\d+: .*NONE/m);
      expect(await get()).toBe("b one first");
      expect(await step("f.ts", source('WORD + "!"'))).toMatch(swapped);
      expect(await get()).toBe("b! one first");

      // The plugin's configuration, and one that it refuses.
      expect(await step("envoy.json", config({ configuration: "two" }))).toMatch(swapped);
      expect(await get()).toBe("b! two first");
      await refused("envoy.json", config({ configuration: "refused" }));
      expect(await get()).toBe("b! two first");

      // A file that is none, a field that does not exist, then another answer.
      await refused("envoy.json", "{ nothing");
      await refused("envoy.json", config({ more: { no_such_field: 1 } }));
      expect(await get()).toBe("b! two first");
      expect(await step("envoy.json", config({ body: "second" }))).toMatch(
        engine === "node" ? /swapped f, routes of main in/ : /restarted \(main/,
      );
      expect(await get()).toBe("b! one second");

      program.signal("SIGTERM");
      expect(await program.exit).toEqual({ code: 0, signal: null });
    });
  });
}

describe("proxy-wasm run --watch", () => {
  it("takes new certificates without a restart", async () => {
    const { cwd } = project({});
    const make = () =>
      fillFolder(join(cwd, "certs"), {
        identities: [readIdentity("default/server")],
        trustDomain: "cluster.local",
        dns: ["localhost"],
        days: 1,
        force: true,
      });
    await make();
    const certificate_chain = { filename: "certs/default-server.pem" };
    const private_key = { filename: "certs/default-server-key.pem" };
    const tls = {
      transport_socket: {
        name: "envoy.transport_sockets.tls",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
          common_tls_context: { tls_certificates: [{ certificate_chain, private_key }] },
        },
      },
    };
    const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
    const listener = httpListener({ name: "main", routes, filterChain: tls });
    writeFileSync(
      join(cwd, "envoy.json"),
      JSON.stringify(bootstrap({ listeners: [listener], clusters: [] })),
    );
    const program = proxyWasm(["run", "envoy.json", "--watch"], { cwd });
    await program.saw(/engine ready/);
    await make();
    await program.saw(/certificates read again: certs\/default-server\.pem/);
    expect(program.stderr).not.toContain("restarted");
    program.signal("SIGTERM");
    expect(await program.exit).toEqual({ code: 0, signal: null });
  });
});

describe("proxy-wasm test --watch", () => {
  const scenario = (seen: string) => `
plugins: [{ module: f.ts, root_id: f, configuration: x }]
steps:
  - request: { path: / }
    expect: { headers: { x-seen: ${seen} } }
`;

  it("runs again what a change touches, and survives what does not compile", async () => {
    const { cwd, edit } = project({
      "f.ts": source("WORD"),
      "word.ts": 'export const WORD: string = "a";',
      "a.yaml": scenario("a x"),
      "b.yaml": scenario("b x"),
    });
    const program = proxyWasm(["test", "a.yaml", "b.yaml", "--watch"], { cwd });
    /** What a change makes it print. */
    const round = async (act: () => void) => {
      const before = program.stdout.length;
      await after(program, act, /\d+ ms; watching \d+ files/);
      return program.stdout.slice(before);
    };
    await program.saw(/watching \d+ files/);
    expect(program.stdout).toMatch(/^ok +a\.yaml/m);
    expect(program.stdout).toMatch(/^FAIL b\.yaml/m);

    const other = await round(() => edit("word.ts", 'export const WORD: string = "b";'));
    expect(other).toMatch(/^FAIL a\.yaml/m);
    expect(other).toMatch(/^ok +b\.yaml/m);

    // Only the scenario that was edited.
    const mended = await round(() => edit("a.yaml", scenario("b x")));
    expect(mended).toMatch(/^ok +a\.yaml/m);
    expect(mended).toMatch(/^1 passed, 0 failed/m);

    expect(await round(() => edit("f.ts", source("NONE")))).toBe("");
    expect(program.stderr).toMatch(/f\.ts:\d+:\d+: .*NONE/);
    expect(await round(() => edit("f.ts", source("WORD")))).toMatch(/^2 passed, 0 failed/m);
  });
});
