import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bootstrap,
  CLUSTER_HTTP2,
  cluster,
  httpListener,
  networkWasmFilter,
  stringValue,
  tcpListener,
  wasmFilter,
} from "../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../support/describe-engines";
import { grpcAnswer, grpcMessages } from "../support/grpc-wire";
import { Http2Upstream } from "../support/http2-upstream";
import { exchange, type RawRequest } from "../support/raw-client";
import { RawUpstream, type UpstreamRequest } from "../support/raw-upstream";
import { echo, TcpPeer, TcpUpstream } from "../support/tcp-peer";

const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-interop-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = (name: string) => new URL(name, import.meta.url);
const MODULES: Record<string, () => Buffer> = {
  rust: () => readFileSync(file("rust/rust.wasm")),
  go: () => brotliDecompressSync(readFileSync(file("go/go.wasm.br"))),
};

describeEngines("Modules of other SDKs", (engine) => {
  for (const [language, read] of Object.entries(MODULES))
    describe(language, () => {
      let proxy: ProxyUnderTest;
      let upstream: RawUpstream;
      let callout: RawUpstream;
      let tcp: TcpUpstream;
      let grpc: Http2Upstream;

      beforeAll(async () => {
        const wasm = join(dir, `${language}.wasm`);
        writeFileSync(wasm, read());
        upstream = await RawUpstream.start(async (request, reply) => {
          await request.message;
          reply.send({ body: "from upstream", headers: [["x-up", "1"]] });
        });
        callout = await RawUpstream.start(async (request, reply) => {
          const body = await request.body();
          reply.send({ status: 201, body: `pong to ${body} of ${request.header("x-by")}` });
        });
        const filter = wasmFilter({
          name: "plugin",
          rootId: "the-root",
          vmId: language,
          wasm,
          configuration: "callout",
          vm: { configuration: stringValue("vm-config") },
        });
        tcp = await TcpUpstream.start(echo);
        grpc = await Http2Upstream.start(grpcAnswer({ messages: ["hello there"] }));
        const tcpFilter = networkWasmFilter({
          name: "tcp-plugin",
          rootId: "tcp-root",
          vmId: language,
          wasm,
          configuration: "tcp",
          vm: { configuration: stringValue("vm-config") },
        });
        const routes = [{ match: { prefix: "/" }, route: { cluster: "up" } }];
        proxy = await engine.start(
          bootstrap({
            listeners: [
              httpListener({ name: "l", filters: [filter], routes }),
              tcpListener({ name: "tcp", filters: [tcpFilter] }),
            ],
            clusters: [
              cluster("up", upstream.port),
              cluster("callout", callout.port),
              cluster("tcp", tcp.port),
              cluster("grpc", grpc.port, CLUSTER_HTTP2),
            ],
          }),
        );
      });
      afterAll(() => Promise.all([upstream?.close(), callout?.close(), tcp?.close(), grpc?.close()]));

      const line = (wanted: string) =>
        proxy.log.waitFor((lines) => lines.find(({ message }) => message.endsWith(`: ${wanted}`)), wanted);
      /** Sends a request and answers what arrived at the upstream, too. */
      async function through(request: RawRequest) {
        const index = upstream.requests.length;
        const response = await exchange(proxy.port(), request);
        return { response, request: upstream.requests[index] as UpstreamRequest };
      }

      test("VM and plugin configuration", async () => {
        await line("vm vm-config");
        const { response } = await through({ path: "/" });
        expect(response.header("x-config")).toBe("callout");
      });

      test("request headers: list, add, replace, remove, missing", async () => {
        const { request, response } = await through({
          path: "/headers",
          headers: [
            ["x-secret", "s"],
            ["x-replaced", "before"],
          ],
        });
        expect(response.status).toBe(200);
        expect(request.header("x-added")).toBe(language);
        expect(request.all("x-replaced")).toEqual([language]);
        expect(request.header("x-secret")).toBeUndefined();
        expect(request.header("x-missing")).toBe("yes");
        const { message } = await proxy.log.waitFor(
          (lines) => lines.find((l) => l.message.includes(": request /headers with ")),
          "request",
        );
        const [, listed, counted] = /with (\d+) of (\d+)/.exec(message)!;
        expect(listed).toBe(counted);
      });

      test("properties: built in, of the plugin, unknown, and one set by the filter", async () => {
        const { request, response } = await through({ path: "/properties" });
        expect(request.header("x-property")).toBe("/properties");
        expect(request.header("x-root")).toBe("the-root");
        expect(request.header("x-unknown")).toBe("none");
        expect(response.header("x-kept")).toBe("kept");
      });

      test("shared data counts on", async () => {
        const first = Number((await through({ path: "/one" })).request.header("x-shared"));
        const second = Number((await through({ path: "/two" })).request.header("x-shared"));
        expect(second).toBe(first + 1);
      });

      test("request body: gathered and replaced", async () => {
        const { request } = await through({ method: "POST", path: "/body", chunked: ["some ", "words"] });
        expect(await request.body()).toBe("SOME WORDS");
      });

      test("response body: appended to", async () => {
        const { response } = await through({ path: "/" });
        expect(response.text).toBe(`from upstream-${language}`);
      });

      test("local response", async () => {
        const before = upstream.requests.length;
        const response = await exchange(proxy.port(), { path: "/local" });
        expect(response.status).toBe(403);
        expect(response.header("x-why")).toBe(language);
        expect(response.text).toBe(`no entry, says ${language}-${language}`);
        expect(upstream.requests.length).toBe(before);
      });

      test("HTTP call: answered to the paused request; an unknown cluster is BadArgument", async () => {
        const { request } = await through({ path: "/call" });
        expect(request.header("x-call-status")).toBe("201");
        expect(request.header("x-call-body")).toBe(`pong to ping of ${language}`);
        await line("unknown cluster BadArgument");
        const { message } = await proxy.log.waitFor(
          (lines) => lines.find((l) => /: call \d+ \d+$/.test(l.message)),
          "call",
        );
        const [, told, listed] = / call (\d+) (\d+)$/.exec(message)!;
        expect(listed).toBe(told);
        expect((await callout.request()).startLine).toBe("POST /callout HTTP/1.1");
      });

      // The Go SDK has no gRPC.
      if (language === "rust")
        test("gRPC call: metadata and message out, status and message back", async () => {
          const { request } = await through({ path: "/grpc" });
          expect(request.header("x-grpc-status")).toBe("0");
          expect(request.header("x-grpc-message")).toBe("hello there");
          const called = await grpc.request(0);
          expect(called.header(":path")).toBe("/test.Echo/Say");
          expect(called.header("x-by")).toBe(language);
          expect(grpcMessages(called.body)).toEqual(["hi"]);
        });

      test("foreign functions: bytes to and fro; an unknown one is NotFound", async () => {
        const { request } = await through({ path: "/foreign" });
        expect(request.header("x-foreign")).toBe("some words");
        await line("unknown function NotFound");
      });

      test("TCP: data of both directions changed, closes and log seen", async () => {
        const client = await TcpPeer.connect(proxy.port("tcp"));
        await line("new connection");
        client.write("hello");
        await client.receives(`HELLO-${language}`);
        client.end();
        await client.ended();
        await line("upstream closed");
        await proxy.log.waitFor(
          (lines) => lines.find(({ message }) => /: downstream closed by [012]$/.test(message)),
          "downstream closed",
        );
        await proxy.log.waitFor(
          (lines) => lines.find(({ message }) => /: log of 127\.0\.0\.1:\d+$/.test(message)),
          "log",
        );
        await line("done");
        client.close();
      });

      test("timer: ticks, and stops", async () => {
        await line("third tick");
      });

      test("shared queue: what a stream puts in comes to the root", async () => {
        await through({ path: "/queued" });
        await line("queue /queued");
      });

      test("on_log: response headers, and a metric read back", async () => {
        await through({ path: "/logged" });
        await proxy.log.waitFor(
          (lines) => lines.find(({ message }) => /: log \/logged 200 \d+$/.test(message)),
          "log",
        );
      });

      test("metrics: counter, gauge, histogram are in the stats", async () => {
        await through({ path: "/metrics" });
        expect(await proxy.stat(`wasmcustom.interop_${language}_requests`)).toBeGreaterThan(0);
        expect((await proxy.stat(`wasmcustom.interop_${language}_level`)) % 7).toBe(0);
        expect(await proxy.admin("/stats?filter=interop")).toContain(`interop_${language}_sizes`);
      });
    });
});
