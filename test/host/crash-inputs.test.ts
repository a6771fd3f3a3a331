import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootstrap, cluster, httpListener, wasmFilter } from "../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../support/describe-engines";
import { guest } from "../support/guests";
import { exchange, type RawRequest } from "../support/raw-client";
import { RawUpstream } from "../support/raw-upstream";

/** What ends Envoy 1.40 and must not end this host. Modules that end it are in conformance/module-shapes.test.ts. */
interface CrashInput {
  /** How docs/envoy-differences.md begins the row. */
  row: string;
  script: string;
  request?: RawRequest;
  /** What the script has to log: by name, `STATUS VALUE`. */
  logged: Readonly<Record<string, string>>;
  status?: number;
}

const INPUTS: readonly CrashInput[] = [
  {
    row: "`continue_stream(1)` before response headers exist",
    script: "on request_headers\n c = continue 1",
    logged: { c: "0" },
  },
  {
    row: "`continue_stream(1)` before response headers exist",
    script: "on request_body\n c = continue 1",
    request: { method: "POST", body: "x" },
    logged: { c: "0" },
  },
  {
    row: "`send_local_response` in `on_log`",
    script: "on log\n r = reply 200 again '' 0",
    logged: { r: "0" },
  },
  {
    row: "`continue_stream` when nothing is paused",
    script:
      "on request_headers\n a = continue 0\n b = continue 0\non response_headers\n c = continue 1\n d = continue 1",
    logged: { a: "0", b: "0", c: "0", d: "0" },
  },
  ...[2, 3].map(
    (result): CrashInput => ({
      row: "reading a body buffer outside its callback after body result 2 or 3",
      script: `on request_body
        when $eos 1 : return 0
        tick 5
        return ${result}
      on tick
        tick 0
        effective $stream
        b = buffer 0 0 100
        n = buffer-size 0
        w = set-buffer 0 0 0 y
        c = continue 0`,
      request: { method: "POST", chunked: ["first"] },
      logged: { b: "0", n: "0 0", c: "0" },
    }),
  ),
  ...["''", "h1", "h2", "empty"].flatMap((name): CrashInput[] => [
    {
      row: "`proxy_grpc_call` with a first argument that parses as a `GrpcService` without a target",
      script: `on request_headers\n g = grpc-call ${name} 100 test.Echo Say ''`,
      logged: { g: "4" },
    },
    {
      row: "`proxy_grpc_call` with a first argument that parses as a `GrpcService` without a target",
      script: `on request_headers\n g = grpc-stream ${name} test.Echo Say`,
      logged: { g: "4" },
    },
  ]),
];

describe("inputs that crash Envoy 1.40", () => {
  const engine = new EngineUnderTest("node");
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const wasm = await guest("puppet");
    const routes = [{ match: { prefix: "/" }, route: { cluster: "up" } }];
    const listeners = INPUTS.map(({ script }, at) => {
      const name = `c${at}`;
      const filters = [wasmFilter({ name, rootId: name, vmId: name, wasm, configuration: script })];
      return httpListener({ name, filters, routes });
    });
    proxy = await engine.start(bootstrap({ listeners, clusters: [cluster("up", upstream.port)] }));
  }, 60_000);
  afterAll(() => Promise.all([engine.cleanUp(), upstream.close()]));

  test.each(INPUTS.map((input, at) => ({ ...input, at, shown: input.script.replaceAll(/\s+/g, " ") })))(
    "$row: $shown",
    async ({ at, request, logged, status = 200 }) => {
      for (let again = 0; again < 2; again++)
        expect((await exchange(proxy.port(`c${at}`), request)).status).toBe(status);
      for (const [name, value] of Object.entries(logged)) {
        const line = await proxy.log.waitFor(
          (lines) =>
            lines.find(
              ({ message }) => message.startsWith(`wasm log c${at} c${at}`) && message.includes(`: ${name}=`),
            ),
          `${name}=`,
        );
        expect(line.message.split(`: ${name}=`)[1]).toBe(value);
      }
      expect(proxy.log.lines.filter(({ level }) => level === "critical")).toEqual([]);
    },
  );

  test("each is in docs/envoy-differences.md", () => {
    const page = readFileSync(new URL("../../docs/envoy-differences.md", import.meta.url), "utf8");
    const rows = [
      ...INPUTS.map(({ row }) => row),
      "a hostcall from the module's start section",
      "a hostcall that touches memory, from a module without one",
      "a module that exports a function or global of a type V8's C API does not know",
    ];
    expect(rows.filter((row) => !page.includes(`| ${row}`))).toEqual([]);
  });
});
