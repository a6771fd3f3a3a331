import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inspectModule } from "../../../host/vm/inspect";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { exchange } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { echo, TcpPeer, TcpUpstream } from "../../support/tcp-peer";
import { buildGuest } from "../support/build-guest";

const NAMES = ["story", "edit", "lines", "held", "asked", "counting"];

let wasm: string;
let close: string;
let both: string;
beforeAll(async () => {
  wasm = await buildGuest("tcp");
  close = await buildGuest("tcp-close");
  both = await buildGuest("both-kinds");
});

test("exports: the callbacks somebody overrides, and no contexts when one object serves all", async () => {
  const names = async (file: string) =>
    inspectModule(await readFile(file))
      .exports.map(({ name }) => name)
      .filter((name) => name.startsWith("proxy_on_") && name !== "proxy_on_memory_allocate");
  expect((await names(close)).sort()).toEqual(["proxy_on_downstream_data", "proxy_on_vm_start"]);
  expect(await names(wasm)).toEqual(
    expect.arrayContaining([
      "proxy_on_new_connection",
      "proxy_on_downstream_data",
      "proxy_on_upstream_data",
      "proxy_on_upstream_connection_close",
      "proxy_on_downstream_connection_close",
      "proxy_on_request_headers",
    ]),
  );
});

describeEngines("SDK: TCP filters", (engine) => {
  let upstream: TcpUpstream;
  let http: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await TcpUpstream.start(echo);
    http = await RawUpstream.start(async (request, reply) => {
      reply.send({ status: request.path === "/good" ? 200 : 403 });
    });
    const filter = (name: string, file = wasm) => ({ name, rootId: name, vmId: file, wasm: file });
    const tcp = (name: string, file?: string) =>
      build.tcpListener({
        name,
        filters: [build.networkWasmFilter(filter(name, file))],
        cluster: "upstream",
      });
    const routes = [{ match: { prefix: "/" }, route: { cluster: "auth" } }];
    const overHttp = (name: string, rootId: string) =>
      build.httpListener({ name, filters: [build.wasmFilter({ ...filter(name), rootId })], routes });
    proxy = await engine.start(
      build.bootstrap({
        listeners: [
          ...NAMES.map((name) => tcp(name)),
          tcp("close", close),
          overHttp("http", "http"),
          // A filter of the other kind than its place asks for.
          overHttp("crossed", "edit"),
          build.tcpListener({
            name: "crossed-tcp",
            filters: [build.networkWasmFilter({ ...filter("crossed-tcp"), rootId: "http" })],
            cluster: "upstream",
          }),
          // The same plugin in both places, and others of their own.
          ...["both", "both-2"].flatMap((name) => {
            const plugin = { ...filter("both", both), configuration: name };
            return [
              build.httpListener({ name: `${name}-http`, filters: [build.wasmFilter(plugin)], routes }),
              build.tcpListener({
                name: `${name}-tcp`,
                filters: [build.networkWasmFilter(plugin)],
                cluster: "upstream",
              }),
            ];
          }),
        ],
        clusters: [build.cluster("upstream", upstream.port), build.cluster("auth", http.port)],
      }),
    );
  });
  afterAll(() => Promise.all([upstream?.close(), http?.close()]));

  /** What comes back for what was sent, once the connection has ended. */
  async function exchangeBytes(listener: string, text: string): Promise<string> {
    const client = await TcpPeer.connect(proxy.port(listener));
    client.write(text);
    client.end();
    await client.over();
    return client.text;
  }

  test("every callback, in order, with what it is told", async () => {
    const client = await TcpPeer.connect(proxy.port("story"));
    const { localPort } = client.socket;
    client.write("hello");
    await client.receives("hello");
    client.end();
    await client.ended();
    const told = (lines: readonly { message: string }[]) =>
      lines.flatMap(({ message }) => /^wasm log story story [^:]*: (.*)$/.exec(message)?.[1] ?? []);
    await proxy.log.waitFor((lines) => told(lines).includes("delete") || undefined, "delete");
    expect(told(proxy.log.lines)).toEqual([
      `new connection from 127.0.0.1:${localPort}`,
      "downstream hello false",
      `upstream hello false of 127.0.0.1:${upstream.port}`,
      "downstream  true",
      `upstream  true of 127.0.0.1:${upstream.port}`,
      "upstream closed by 0",
      "downstream closed by 1",
      "done, 5 bytes",
      "log",
      "delete",
    ]);
  });

  test("one name for filters of both kinds: each plugin gets the one that fits its place", async () => {
    for (const name of ["both", "both-2"]) {
      expect(await (await fetch(proxy.url(`${name}-http`))).text()).toBe(`request of ${name}`);
      expect(await exchangeBytes(`${name}-tcp`, "hello")).toBe("hello");
      const ended = `connection of ${name} ended`;
      await proxy.log.waitFor((lines) => lines.find(({ message }) => message.endsWith(ended)), ended);
    }
  });

  test("bytes are changed both ways", async () => {
    const client = await TcpPeer.connect(proxy.port("edit"));
    client.write("hello");
    await client.receives("<HELLO>");
    client.close();
  });

  test("Action.Pause holds bytes until a line is whole", async () => {
    const index = upstream.connections.length;
    const client = await TcpPeer.connect(proxy.port("lines"));
    client.write("hel");
    const behind = await upstream.connection(index);
    client.write("lo\n");
    await client.receives("hello\n");
    expect(behind.text).toBe("hello\n");
    client.close();
  });

  test("continueDownstream from a timer", async () => {
    expect(await exchangeBytes("held", "early")).toBe("early");
  });

  test("an HTTP call decides: continueDownstream or close", async () => {
    expect(await exchangeBytes("asked", "good")).toBe("good");
    expect(await exchangeBytes("asked", "bad")).toBe("");
  });

  test("close", async () => {
    const client = await TcpPeer.connect(proxy.port("close"));
    client.write("hello");
    await client.receives("hello");
    client.write("quit");
    await client.over();
    expect(client.text).toBe("hello");
  });

  test("metrics", async () => {
    await exchangeBytes("counting", "x");
    expect(await proxy.stat("wasmcustom.from=.=tcp;.;tcp_guest_connections")).toBe(1);
  });

  test("HTTP filters of the same module work beside them", async () => {
    const index = http.requests.length;
    await exchange(proxy.port("http"), { path: "/good" });
    expect((await http.request(index)).header("x-http")).toBe("yes");
  });

  test("a filter in the place of the other kind does nothing", async () => {
    expect((await exchange(proxy.port("crossed"), { path: "/good" })).status).toBe(200);
    expect(await exchangeBytes("crossed-tcp", "hello")).toBe("hello");
  });
});
