import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildModule } from "../../host/build/index";
import { inspectModule } from "../../host/vm/inspect";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A project of a filter author: sources, and the package in node_modules. */
let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "author-"));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(root, join(project, "node_modules/proxy-wasm-toolkit"));
  writeFileSync(join(project, "package.json"), "{}");
});
afterAll(() => rmSync(project, { recursive: true }));

/** Writes files and builds the first; names are relative to the project. */
function build(files: Record<string, string>, options: { debug?: boolean; outFile?: string } = {}) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  return buildModule({ entry: join(project, Object.keys(files)[0]!), ...options });
}

/** The file as messages name it: from the working directory, if it lies there. */
function named(name: string): string {
  const path = relative(process.cwd(), join(project, name));
  return path.startsWith("..") ? join(project, name) : path;
}

const IMPORT =
  'import { Action, HttpCall, HttpFilter, registerHttp, RootContext } from "proxy-wasm-toolkit/sdk";\n';
const BASE = ["proxy_abi_version_0_2_1", "proxy_on_memory_allocate", "proxy_on_vm_start", "_initialize"];
const CONTEXTS = [...BASE, "proxy_on_context_create", "proxy_on_delete"];
const CONTINUE = "(): Action { return Action.Continue; }";

describe("exports of the examples", () => {
  /** Beside what every module has. */
  const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
    "body-rewrite": [...CONTEXTS, "proxy_on_response_headers", "proxy_on_response_body"],
    "grpc-call": [
      ...CONTEXTS,
      "proxy_on_configure",
      "proxy_on_request_headers",
      "proxy_on_grpc_close",
      "proxy_on_grpc_receive",
    ],
    headers: [...CONTEXTS, "proxy_on_request_headers", "proxy_on_response_headers"],
    hello: [...BASE, "proxy_on_request_headers", "proxy_on_response_headers"],
    "http-auth-call": [
      ...CONTEXTS,
      "proxy_on_configure",
      "proxy_on_request_headers",
      "proxy_on_http_call_response",
    ],
    jwt: [...CONTEXTS, "proxy_on_configure", "proxy_on_request_headers"],
    queue: [
      ...CONTEXTS,
      "proxy_on_configure",
      "proxy_on_queue_ready",
      "proxy_on_http_call_response",
      "proxy_on_log",
    ],
    "rate-limit": [
      ...CONTEXTS,
      "proxy_on_configure",
      "proxy_on_request_headers",
      "proxy_on_response_headers",
    ],
    "tcp-echo-logger": [
      ...CONTEXTS,
      "proxy_on_configure",
      "proxy_on_downstream_data",
      "proxy_on_upstream_data",
      "proxy_on_downstream_connection_close",
      "proxy_on_log",
    ],
    websocket: [
      ...CONTEXTS,
      "proxy_on_configure",
      "proxy_on_request_headers",
      "proxy_on_request_body",
      "proxy_on_response_body",
      "proxy_on_log",
    ],
  };

  test("each example has a row", () => {
    const examples = globSync("examples/*/index.ts", { cwd: root }).map((file) => file.split(sep)[1]!);
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(examples.toSorted());
  });

  test.each(Object.entries(EXAMPLES))(
    "%s: exactly what it overrides, at most 24 KiB",
    async (name, wanted) => {
      const { exports, size } = await buildModule({ entry: join(root, "examples", name) });
      expect(exports.toSorted()).toEqual(wanted.toSorted());
      expect(size).toBeLessThanOrEqual(24 * 1024);
    },
    60_000,
  );
});

describe("examples/hello", () => {
  test("at most 12 lines, at most 6 KiB, exactly the exports it uses, only imports Envoy has", async () => {
    const entry = join(root, "examples/hello");
    expect(readFileSync(join(entry, "index.ts"), "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(
      12,
    );
    const { wasm, exports, size } = await buildModule({ entry });
    expect(exports.toSorted()).toEqual(
      [...BASE, "proxy_on_request_headers", "proxy_on_response_headers"].toSorted(),
    );
    expect(size).toBe(wasm.length);
    expect(size).toBeLessThanOrEqual(6 * 1024);
    expect(
      inspectModule(wasm)
        .imports.map(({ module, name }) => `${module}.${name}`)
        .toSorted(),
    ).toEqual([
      "env.proxy_add_header_map_value",
      "env.proxy_get_header_map_value",
      "env.proxy_get_property",
      "env.proxy_log",
    ]);
  });
});

describe("exports", () => {
  test("only what registered classes override", async () => {
    const { exports } = await build({
      "overrides.ts": `${IMPORT}
        class Root extends RootContext { onConfigure(c: string): string | null { return null; } }
        class Used extends HttpFilter { onRequestBody${CONTINUE} onLog(): void {} }
        class Unused extends HttpFilter { onResponseBody${CONTINUE} }
        registerHttp<Used, Root>("used");`,
    });
    expect(exports.toSorted()).toEqual(
      [...CONTEXTS, "proxy_on_configure", "proxy_on_log", "proxy_on_request_body"].toSorted(),
    );
  });

  test("overrides inherited from a class of the author's own, in another file, count", async () => {
    const { exports } = await build({
      "inherited.ts": `${IMPORT}import { Base } from "./lib/base";
        class Filter extends Base { onResponseTrailers${CONTINUE} }
        registerHttp<Filter>("a");`,
      "lib/base.ts": `${IMPORT}export class Base extends HttpFilter { onRequestTrailers${CONTINUE} }`,
    });
    expect(exports.toSorted()).toEqual(
      [...BASE, "proxy_on_request_trailers", "proxy_on_response_trailers"].toSorted(),
    );
  });

  test("a call's answer is exported when something waits for it", async () => {
    const { exports } = await build({
      "call.ts": `${IMPORT}
        class Call extends HttpCall { onResponse(): void {} }
        class Filter extends HttpFilter { onRequestHeaders(): Action { new Call(); return Action.Continue; } }
        registerHttp<Filter>("a");`,
    });
    expect(exports.toSorted()).toEqual(
      [...CONTEXTS, "proxy_on_http_call_response", "proxy_on_request_headers"].toSorted(),
    );
  });

  test("contexts are made when a filter has fields, a constructor, asks for its root, hands itself on, or is not alone", async () => {
    const variants = {
      fields: `class F extends HttpFilter { n: i32 = 0; onRequestHeaders${CONTINUE} } registerHttp<F>("f");`,
      constructor: `class F extends HttpFilter { constructor() { super(); } onRequestHeaders${CONTINUE} } registerHttp<F>("f");`,
      root: `class F extends HttpFilter { onRequestHeaders(): Action { this.root.rootId; return Action.Continue; } } registerHttp<F>("f");`,
      passed: `let all: F[] = []; class F extends HttpFilter { onRequestHeaders(): Action { all.push(this); return Action.Pause; } } registerHttp<F>("f");`,
      two: `class F extends HttpFilter { onRequestHeaders${CONTINUE} } registerHttp<F>("f"); registerHttp<F>("g");`,
      hidden: `class F extends HttpFilter { onRequestHeaders${CONTINUE} } function later(): void { registerHttp<F>("f"); } later();`,
    };
    for (const [name, source] of Object.entries(variants)) {
      const { exports } = await build({ [`contexts-${name}.ts`]: IMPORT + source });
      expect([name, ...exports.toSorted()]).toEqual([
        name,
        ...[...CONTEXTS, "proxy_on_request_headers"].toSorted(),
      ]);
    }
  });
});

describe("what the build refuses", () => {
  test("a type error, with file, line and column", async () => {
    const source = `${IMPORT}class F extends HttpFilter {\n  onRequestHeaders(): Action { return "no"; }\n}\nregisterHttp<F>("f");\n`;
    await expect(build({ "src/typo.ts": source })).rejects.toMatchObject({
      code: "PW_BUILD",
      message: expect.stringContaining(
        `${named("src/typo.ts")}:3:39: Type '~lib/string/String' is not assignable`,
      ),
    });
  });

  test("a syntax error", async () => {
    await expect(build({ "syntax.ts": "\n  let = ;\n" })).rejects.toThrow(`${named("syntax.ts")}:2:3: `);
  });

  test("an import that does not resolve", async () => {
    await expect(build({ "lost.ts": 'import { x } from "./nowhere";\nx();\n' })).rejects.toThrow(
      `${named("lost.ts")}:1:19: `,
    );
  });

  test("a host function Envoy does not have, naming the line that brought it", async () => {
    const source = `${IMPORT}
declare function proxy_teleport(to: i32): i32;
class F extends HttpFilter {
  onRequestHeaders(): Action { proxy_teleport(1); return Action.Continue; }
}
registerHttp<F>("f");`;
    await expect(build({ "unknown.ts": source })).rejects.toThrow(
      `${named("unknown.ts")}:3:18: imports unknown.proxy_teleport, which Envoy does not have`,
    );
    await expect(
      build({
        "process.ts": `${IMPORT}class F extends HttpFilter {\n onRequestHeaders(): Action { process.exit(1); return Action.Continue; } }\nregisterHttp<F>("f");`,
      }),
    ).rejects.toThrow(/process\.ts:3:\d+: imports env\.process\.exit, which Envoy does not have/);
  });

  test("such a function named in a comment, or brought by a package, is still found", async () => {
    const source = `${IMPORT}
// process.exit is not there
/* nor
   exit */
class F extends HttpFilter {
  onRequestHeaders(): Action { process.exit(1); return Action.Continue; }
}
registerHttp<F>("f");`;
    await expect(build({ "comment.ts": source })).rejects.toThrow(`${named("comment.ts")}:7:40: imports`);
    await expect(
      build({
        "package.ts": `${IMPORT}import { leave } from "leaver";
class F extends HttpFilter { onRequestHeaders(): Action { leave(); return Action.Continue; } }
registerHttp<F>("f");`,
        "node_modules/leaver/index.ts": "export function leave(): void { process.exit(2); }\n",
      }),
    ).rejects.toThrow(/leaver\/index\.ts:1:41: imports env\.process\.exit/);
  });

  test("a second copy of the SDK, reached by a relative path", async () => {
    const source =
      'import { HttpFilter } from "./node_modules/proxy-wasm-toolkit/sdk/index";\nnew HttpFilter();\n';
    await expect(build({ "copies.ts": source })).rejects.toThrow(
      /reached by a relative path.*import "proxy-wasm-toolkit\/sdk"/,
    );
  });

  test("two filters of one name; one of each kind may share it", async () => {
    const classes = `${IMPORT}import { registerTcp, TcpFilter } from "proxy-wasm-toolkit/sdk";
class A extends HttpFilter {}
class B extends HttpFilter {}
class T extends TcpFilter {}
registerHttp<A>("f");
`;
    const file = "twice.ts";
    await expect(build({ [file]: `${classes}registerHttp<B>("f");` })).rejects.toThrow(
      `${named(file)}:7:1: B is registered as "f", as is A (${named(file)}:6:1)`,
    );
    await build({ "kinds.ts": `${classes}registerTcp<T>("f");` });
  });

  test.each([
    ["idle.ts", IMPORT.replace("registerHttp, ", "")],
    ["imports.ts", IMPORT],
  ])("a filter that nobody registers: %s", async (file, imports) => {
    await expect(build({ [file]: `${imports}class F extends HttpFilter {}\n` })).rejects.toThrow(
      `${named(file)}:1:1: no filter is registered; call registerHttp<YourFilter>("name") at the top level`,
    );
  });

  test("a callback with a slip in its name: a warning that names the callbacks", async () => {
    const said: string[] = [];
    const file = join(project, "slip.ts");
    writeFileSync(
      file,
      `${IMPORT}class F extends HttpFilter {\n  onRequestHeader${CONTINUE}\n  onRequestBody${CONTINUE}\n  onMine(): void {}\n` +
        `  onLog(): void { this.onMine(); }\n}\nregisterHttp<F>("f");\n`,
    );
    await buildModule({ entry: file, onProgress: (line) => said.push(line) });
    const warnings = said.filter((line) => line.startsWith("warning"));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(
      `${named("slip.ts")}:3:3: nothing calls onRequestHeader; the callbacks are `,
    );
    expect(warnings[0]).toContain("onRequestHeaders");
  });

  test("a place that cannot be written to, an entry that is no source", async () => {
    const files = { "place.ts": `${IMPORT}class F extends HttpFilter {}\nregisterHttp<F>("f");\n` };
    await expect(build(files, { outFile: project })).rejects.toThrow(`${project}: cannot be written: EISDIR`);
    await expect(build({ "notes.md": "text" })).rejects.toThrow("notes.md: not a .ts file");
  });

  test("a missing entry, a folder without index.ts", async () => {
    await expect(buildModule({ entry: join(project, "none.ts") })).rejects.toThrow(
      /none\.ts: no such file or folder/,
    );
    await expect(buildModule({ entry: join(project, "node_modules") })).rejects.toThrow(
      /no index\.ts in this folder/,
    );
  });
});

describe("variants", () => {
  const FILTER = `${IMPORT}class F extends HttpFilter {\n  onRequestHeaders(): Action {\n    throw new Error("here");\n  }\n}\nregisterHttp<F>("f");\n`;

  test("a folder is built from its index.ts, and the module written where it is wanted", async () => {
    const outFile = join(project, "out/deep/filter.wasm");
    writeFileSync(join(project, "index.ts"), FILTER);
    const { wasm } = await buildModule({ entry: project, outFile });
    expect(readFileSync(outFile)).toEqual(Buffer.from(wasm));
  });

  test("debug has names and a source map that leads back to the line", async () => {
    const outFile = join(project, "out/debug.wasm");
    const { wasm, sourceMap } = await build({ "src/mapped.ts": FILTER }, { debug: true, outFile });
    expect(readFileSync(`${outFile}.map`, "utf8")).toBe(sourceMap);
    const text = Buffer.from(wasm).toString("latin1");
    expect(text).toContain("src/mapped/F#onRequestHeaders");
    expect(text).toContain("./debug.wasm.map");
    const map = new SourceMap(JSON.parse(sourceMap!));
    const lines = new Set<number>();
    for (let offset = 0; offset < wasm.length; offset++) {
      const found = map.findEntry(0, offset) as {
        originalSource?: string;
        originalLine?: number;
      };
      if (found.originalSource?.endsWith("src/mapped.ts")) lines.add(found.originalLine! + 1);
    }
    expect([...lines]).toContain(4);
  });

  test("the build says what it exports", async () => {
    const lines: string[] = [];
    writeFileSync(join(project, "say.ts"), FILTER);
    const { exports } = await buildModule({
      entry: join(project, "say.ts"),
      onProgress: (line) => lines.push(line),
    });
    expect(lines).toEqual([`exports: ${exports.join(" ")}`]);
  });
});
