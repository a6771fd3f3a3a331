import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { echo, TcpPeer, TcpUpstream } from "../../test/support/tcp-peer";

const yaml = readFileSync(new URL("envoy.yaml", import.meta.url), "utf8");

describeEngines("examples/tcp-echo-logger", (engine) => {
  let upstream: TcpUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await TcpUpstream.start(echo);
    const ports: Record<string, string> = { 15000: "0", 15007: "0", 8007: String(upstream.port) };
    proxy = await engine.start(yaml.replace(/(?<=port_value: )\d+/g, (port) => ports[port]!));
  });
  afterAll(() => upstream?.close());

  /** The filter's lines about one connection, once it has been closed. */
  async function story(client: TcpPeer, port: number): Promise<string[]> {
    const lines = () =>
      proxy.log.lines.flatMap(
        ({ message }) => /^wasm log tcp-echo-logger[^:]*: (.*)$/.exec(message)?.[1] ?? [],
      );
    client.end();
    await client.over();
    const summary = await proxy.log.waitFor(
      () => lines().find((line) => line.includes(`127.0.0.1:${port} -> `)),
      "the summary",
    );
    const name = summary.split(" ")[0]!;
    return lines().flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));
  }

  test("logs each chunk and the end, and sums up", async () => {
    const client = await TcpPeer.connect(proxy.port());
    const { localPort } = client.socket;
    client.write("hello\r\n");
    await client.receives("hello\r\n");
    const lines = await story(client, localPort!);
    expect(lines.slice(0, -1)).toEqual(["> 7 bytes: hello..", "< 7 bytes: hello..", "> end", "< end"]);
    expect(lines.at(-1)).toMatch(
      new RegExp(
        `^127.0.0.1:${localPort} -> 127.0.0.1:${proxy.port()}: 7 bytes received, 7 sent, \\d+ ms, closed by the proxy$`,
      ),
    );
  });

  test("shows as many bytes as it was told to", async () => {
    const client = await TcpPeer.connect(proxy.port());
    const { localPort } = client.socket;
    client.write("abcdefghijklmnopqrstuvwxyz");
    await client.receives("abcdefghijklmnopqrstuvwxyz");
    const [first] = await story(client, localPort!);
    expect(first).toBe("> 26 bytes: abcdefghijklmnopqrstuvwx ...");
  });

  test("counts bytes and connections", async () => {
    const count = async (series: string) =>
      Number(
        (await proxy.admin("/stats/prometheus"))
          .split("\n")
          .find((line) => line.startsWith(series))
          ?.split(" ")[1] ?? 0,
      );
    const received = 'tcp_bytes_total{direction="received"}';
    const byClient = 'tcp_connections_total{closed_by="client"}';
    const [bytesBefore, connectionsBefore] = [await count(received), await count(byClient)];
    const client = await TcpPeer.connect(proxy.port());
    const { localPort } = client.socket;
    client.write("12345");
    await client.receives("12345");
    client.reset();
    await proxy.log.waitFor(
      (lines) => lines.find(({ message }) => message.includes(`127.0.0.1:${localPort} -> `)),
      "the summary",
    );
    expect(await count(received)).toBe(bytesBefore + 5);
    expect(await count(byClient)).toBe(connectionsBefore + 1);
  });

  test("refuses a configuration that is no number", async () => {
    await expect(
      engine.start(yaml.replace('"24"', '"many"').replace(/(?<=port_value: )\d+/g, "0")),
    ).rejects.toThrow();
    expect(engine.lastLog.lines.map(({ message }) => message).join("\n")).toContain(
      'expected a number of bytes, got "many"',
    );
  });
});
