import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { RawClient } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

interface Span {
  traceId: string;
  id: string;
  parentId?: string;
  kind: string;
  name: string;
  tags: Record<string, string>;
}
interface Script {
  startCollector(
    port: number,
    print: (line: string) => void,
    onSpan: (span: Span) => void,
  ): Promise<{ port: number; close(): void }>;
  tree(spans: object[]): string[];
}

const FILE = new URL("collector.mjs", import.meta.url);
const script: Script = await import(FILE.href);
/** As many spans as a tracer sends at once: nobody has to wait for its timer. */
const BATCH = 5;

describeEngines("examples/tracing", (engine) => {
  const spans: Span[] = [];
  const lines: string[] = [];
  let app: RawUpstream;
  let collector: Awaited<ReturnType<Script["startCollector"]>>;
  /** Two proxies of one file, as the port of `inbound` is known only once it listens. */
  let callee: ProxyUnderTest;
  let caller: ProxyUnderTest;

  beforeAll(async () => {
    app = await RawUpstream.start((_, reply) => reply.send({ body: "hello" }));
    collector = await script.startCollector(
      0,
      (line) => lines.push(line),
      (span) => spans.push(span),
    );
    const yaml = exampleYaml("tracing", { 8080: app.port, 9411: collector.port });
    callee = await engine.start(yaml);
    const at = yaml.indexOf("- name: peer\n      type");
    const peer = yaml.slice(at).replace("port_value: 0", `port_value: ${callee.port("inbound")}`);
    caller = await engine.start(yaml.slice(0, at) + peer);
  });
  afterAll(async () => {
    collector?.close();
    await app?.close();
  });

  test("a request through both sidecars is one trace, the server's span below the client's", async () => {
    const client = await RawClient.connect(caller.port("outbound"));
    for (let i = 0; i < BATCH; i++) expect((await client.exchange({ path: "/hello" })).text).toBe("hello");
    await expect.poll(() => spans.length, { timeout: 10_000 }).toBe(2 * BATCH);

    for (const { headers } of app.requests) {
      const told = Object.fromEntries(headers);
      const [out, into] = ["CLIENT", "SERVER"].map((kind) =>
        spans.find((span) => span.traceId === told["x-b3-traceid"] && span.kind === kind),
      );
      const id = told["x-request-id"];
      // This 9 says: traced, by chance.
      expect(id).toMatch(/^.{8}-.{4}-9/);
      const both = {
        name: "app.shop:80/*",
        tags: { "guid:x-request-id": id, "http.status_code": "200", component: "proxy" },
      };
      expect(out).toMatchObject({ ...both, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
      expect(out!.parentId).toBeUndefined();
      expect(into).toMatchObject({ ...both, parentId: out!.id });
      expect(into!.id).not.toBe(out!.id);
      // What an app passes on puts its own calls below the server's span.
      expect([told["x-b3-sampled"], told["x-b3-spanid"]]).toEqual(["1", into!.id]);
    }
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(BATCH);
  });

  test("the collector prints it as a tree", () => {
    collector.close();
    expect(lines).toHaveLength(3 * BATCH);
    expect(lines.slice(0, 3)).toEqual([
      `trace ${spans[0]!.traceId}`,
      expect.stringMatching(/^ {2}demo {2}app\.shop:80\/\* {2}CLIENT {2}200 {2}\d+\.\d ms$/),
      expect.stringMatching(/^ {4}demo {2}app\.shop:80\/\* {2}SERVER {2}200 {2}\d+\.\d ms$/),
    ]);
  });
});

describe("examples/tracing/collector.mjs", () => {
  test("halves of a shared span, spans without a root and control characters", () => {
    const span = (id: string, more: object) => ({ traceId: "t", id, duration: 1500, ...more });
    const spans = [
      span("c", { name: "call", parentId: "a", kind: "CLIENT" }),
      span("a", { name: "\u001b[31mhot", shared: true, kind: "SERVER", parentId: "?" }),
      span("a", { name: "hot", kind: "CLIENT", parentId: "?" }),
      span("x", { name: "x", parentId: "y" }),
      span("y", { name: "y", parentId: "x" }),
    ];
    expect(script.tree(spans)).toEqual([
      "trace t",
      "  ?  hot  CLIENT  ?  1.5 ms",
      "    ?  ?[31mhot  SERVER  ?  1.5 ms",
      "      ?  call  CLIENT  ?  1.5 ms",
      "  ?  x  ?  ?  1.5 ms",
      "    ?  y  ?  ?  1.5 ms",
    ]);
  });

  test("as a program: refuses what are no spans, and prints what it has when it is ended", async () => {
    const child = spawn(process.execPath, [fileURLToPath(FILE), "0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const output = createInterface(child.stdout)[Symbol.asyncIterator]();
    const { value: ready } = await output.next();
    const url = `http://${/127\.0\.0\.1:\d+/.exec(ready!)![0]}/api/v2/spans`;
    const post = async (body: string) => (await fetch(url, { method: "POST", body })).status;
    expect(await post("no JSON")).toBe(400);
    expect(await post("[{}]")).toBe(400);
    expect(await post('[{"traceId":"7","id":"1","name":"op"}]')).toBe(202);
    expect((await fetch(url)).status).toBe(404);
    child.kill("SIGINT");
    expect([(await output.next()).value, (await output.next()).value]).toEqual([
      "trace 7",
      "  ?  op  ?  ?  0.0 ms",
    ]);
    if (child.exitCode === null) await once(child, "exit");
    expect(child.exitCode).toBe(0);
  });

  test("--help", async () => {
    const run = promisify(execFile);
    expect((await run(process.execPath, [fileURLToPath(FILE), "--help"])).stdout).toContain(
      "collector.mjs [PORT]",
    );
    await expect(run(process.execPath, [fileURLToPath(FILE), "x"])).rejects.toMatchObject({ code: 2 });
  });
});
