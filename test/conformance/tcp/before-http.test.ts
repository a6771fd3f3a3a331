import { connect } from "node:http2";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { guest } from "../../support/guests";
import { exchange, RawClient } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";

const SCRIPTS: Readonly<Record<string, string>> = {
  plain: "trace",
  request: "on downstream_data\n set-buffer 2 0 4 PUT%20",
  response: "on upstream_data\n set-buffer 3 0 12 HTTP/1.1%20299",
  held: "on new_connection\n return 1",
  paused: "on downstream_data\n x = buffer 2 0 9\n when $n 1 : return 1",
  closing: "on downstream_data\n close 2",
  property: "on new_connection\n s = set-prop value mine\n id = prop-int connection id",
  trapping: "on downstream_data\n trap",
  big: "on log\n x = set done",
};

describeEngines("Network filters before the HTTP connection manager", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start(async (request, reply) => {
      const { body } = await request.message;
      reply.send({ body: body.length > 0 ? body : request.method });
    });
    const wasm = await guest("puppet");
    const plugin = (name: string, script: string) => ({
      name,
      rootId: name,
      vmId: name,
      wasm,
      configuration: script,
    });
    proxy = await engine.start(
      build.bootstrap({
        listeners: Object.entries(SCRIPTS).map(([name, script]) =>
          build.httpListener({
            name,
            networkFilters: [build.networkWasmFilter(plugin(name, script))],
            filters: [
              build.wasmFilter(
                plugin(`${name}-http`, "on request_headers\n v = prop mine\n id = prop-int connection id"),
              ),
            ],
            routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }],
          }),
        ),
        clusters: [build.cluster("upstream", upstream.port)],
      }),
    );
  });
  afterAll(() => upstream?.close());

  const said = (name: string) =>
    proxy.log.lines.flatMap(({ message }) => {
      const match = /^wasm log (\S+)[^:]*: (.*)$/s.exec(message);
      return match && match[1] === name ? [match[2]!] : [];
    });
  const saying = (name: string, text: string) =>
    proxy.log.waitFor(() => said(name).find((line) => line.startsWith(text)), `${name}: ${text}`);
  const names = (name: string) =>
    said(name).flatMap(
      (line) => /^> (\w+) \d+(?: (.*))?$/.exec(line)?.slice(1, 3).filter(Boolean).join(" ") ?? [],
    );

  test("the filter sees requests and responses as bytes; the end of the connection is the client's", async () => {
    const client = await RawClient.connect(proxy.port("plain"));
    const request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    client.write(request);
    expect((await client.response()).text).toBe("GET");
    client.write(request);
    expect((await client.response()).text).toBe("GET");
    client.reset();
    await saying("plain", "> delete");
    const trace = names("plain").filter((line) => !/^(vm_start|configure|context_create)/.test(line));
    const seen = trace.filter((line) => !line.startsWith("upstream_data"));
    expect(seen).toEqual([
      "new_connection",
      `downstream_data ${request.length} 0`,
      `downstream_data ${request.length} 0`,
      "downstream_connection_close 2",
      "done",
      "log",
      "delete",
    ]);
    expect(trace.filter((line) => /^upstream_data \d+ 0$/.test(line)).length).toBeGreaterThanOrEqual(2);
  });

  test("a filter may change the request's bytes", async () => {
    expect((await exchange(proxy.port("request"))).text).toBe("PUT");
  });

  test("a filter may change the response's bytes", async () => {
    expect((await exchange(proxy.port("response"))).status).toBe(299);
  });

  test("new_connection 1 holds nothing: HTTP reads at once, and the first bytes go on", async () => {
    expect((await exchange(proxy.port("held"))).text).toBe("GET");
  });

  test("held bytes go on with the next ones", async () => {
    const client = await RawClient.connect(proxy.port("paused"));
    client.write("GET / HT");
    await saying("paused", "x=");
    client.write("TP/1.1\r\nhost: a\r\n\r\n");
    expect((await client.response()).text).toBe("GET");
    client.close();
  });

  for (const name of ["closing", "trapping"])
    test(`${name}: the connection is closed without an answer`, async () => {
      const client = await RawClient.connect(proxy.port(name));
      client.send({});
      await client.closed;
      await expect(client.response()).rejects.toThrow('connection closed after ""');
    });

  test("HTTP filters see what the network filter has set, and the same connection", async () => {
    await exchange(proxy.port("property"));
    await saying("property-http", "id=");
    expect(said("property-http")).toContain("v=0 value");
    const id = said("property").find((line) => line.startsWith("id="));
    expect(said("property-http")).toContain(id);
  });

  test("HTTP/2 passes through it, too", async () => {
    const session = connect(`http://127.0.0.1:${proxy.port("big")}`);
    const stream = session.request({ ":path": "/", ":method": "POST" });
    stream.end("hello");
    let text = "";
    for await (const chunk of stream) text += chunk;
    expect(text).toBe("hello");
    session.close();
  });

  test("4 MiB there and back", async () => {
    const body = Buffer.alloc(4 << 20, "0123456789abcdef");
    const response = await exchange(proxy.port("big"), { method: "POST", body });
    expect(response.body.equals(body)).toBe(true);
  });
});
