import { expect } from "vitest";
import { tcpConformance } from "../../support/tcp-conformance";

const END = ["done", "log", "delete"];
const START = ["context_create", "new_connection"];

/** Acts on the newest connection from a timer, 10 ms after a callback asked for it with `tick 10`. */
const LATER = (...lines: string[]) => `
  on tick
    tick 0
    effective $stream
    ${lines.join("\n    ")}`;

tcpConformance("TCP filters: pause and continue", ({ behaviour }) => {
  behaviour(
    "new_connection 1 holds the upstream connection and the bytes until continue",
    { script: `trace\non new_connection\n return 1${LATER("c = continue 2")}\non log\n x = set logged` },
    async (b) => {
      const client = await b.connect();
      client.write("early");
      await b.called("new_connection");
      await b.messages();
      expect(b.upstream.connections.length).toBe(0);
      client.reset();
    },
  );

  behaviour(
    "new_connection 1, continued from a timer",
    { script: `trace\non new_connection\n tick 30\n return 1${LATER("c = continue 2")}` },
    async (b) => {
      const client = await b.connect();
      client.write("early");
      const upstream = await b.upstream.connection();
      await upstream.receives("early");
      expect(await b.logged("c")).toBe("0");
      expect(await b.trace()).toEqual([...START, "downstream_data 5 0"]);
    },
  );

  behaviour(
    "new_connection 1 and continue in the same callback: the pause does not stick",
    { script: "trace\non new_connection\n c = continue 2\n return 1" },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("x");
      await upstream.receives("x");
      expect(await b.logged("c")).toBe("0");
    },
  );

  for (const result of [1, 2, 7])
    behaviour(
      `downstream_data ${result} keeps the bytes; the next callback shows old and new`,
      {
        script: `
          trace
          on downstream_data
            x = buffer 2 0 100
            when $n 1 : return ${result}`,
      },
      async (b) => {
        const { client, upstream } = await b.pair();
        client.write("abc");
        await b.called("downstream_data");
        client.write("def");
        await upstream.receives("abcdef");
        expect(await b.allLogged("x")).toEqual(["0 abc", "0 abcdef"]);
        expect((await b.trace()).slice(2)).toEqual(["downstream_data 3 0", "downstream_data 6 0"]);
      },
    );

  behaviour(
    "downstream_data continued from a timer: forwarded, the filter sees it once",
    { script: `trace\non downstream_data\n tick 10\n return 1${LATER("c = continue 2")}` },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await upstream.receives("abc");
      expect((await b.trace()).slice(2)).toEqual(["downstream_data 3 0"]);
    },
  );

  behaviour(
    "downstream_data 1 at the end of stream: the next filter gets it on continue",
    { script: `trace\non downstream_data\n when $eos 1 : tick 10\n return 1${LATER("c = continue 2")}` },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await b.says("> downstream_data 2 3 0").catch(() => b.called("downstream_data"));
      client.end();
      await upstream.ended();
      expect(upstream.text).toBe("abc");
      expect((await b.trace()).slice(2)).toEqual(["downstream_data 3 0", "downstream_data 3 1"]);
    },
  );

  behaviour(
    "continue in the callback that pauses forwards what is there",
    { script: "trace\non downstream_data\n continue 2\n return 1" },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await upstream.receives("abc");
      client.write("def");
      await upstream.receives("abcdef");
      expect((await b.trace()).slice(2)).toEqual(["downstream_data 3 0", "downstream_data 3 0"]);
    },
  );

  behaviour(
    "continue while nothing is paused is harmless",
    { script: "on downstream_data\n c = continue 2" },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await upstream.receives("abc");
      expect(await b.logged("c")).toBe("0");
    },
  );

  behaviour(
    "continue_stream(3) is unimplemented, 4 a bad argument",
    {
      script:
        "on downstream_data\n a = continue 3\n b = continue 4\n c = continue 0\n d = continue 1\n e = close 4\n f = close 0",
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await upstream.receives("abc");
      for (const [name, status] of Object.entries({ a: "12", b: "2", c: "0", d: "0", e: "2", f: "0" }))
        expect(await b.logged(name)).toBe(status);
    },
  );

  behaviour(
    "upstream_data 1 keeps the bytes; the next callback shows old and new",
    { script: "trace\non upstream_data\n x = buffer 3 0 100\n when $n 1 : return 1" },
    async (b) => {
      const { client, upstream } = await b.pair();
      upstream.write("abc");
      await b.called("upstream_data");
      upstream.write("def");
      await client.receives("abcdef");
      expect(await b.allLogged("x")).toEqual(["0 abc", "0 abcdef"]);
      expect((await b.trace()).slice(2)).toEqual(["upstream_data 3 0", "upstream_data 6 0"]);
    },
  );

  behaviour(
    "upstream_data 1 at the end of stream: the close callback comes, the client gets nothing",
    { script: "trace\non upstream_data\n return 1" },
    async (b) => {
      const { client, upstream } = await b.pair();
      upstream.write("abc");
      await b.called("upstream_data");
      upstream.end();
      await b.called("upstream_connection_close");
      await b.messages();
      expect([client.text, client.isEnded]).toEqual(["", false]);
      client.end();
      await client.over();
      expect(client.text).toBe("");
      expect((await b.wholeTrace()).slice(2)).toEqual([
        "upstream_data 3 0",
        "upstream_data 3 1",
        "upstream_connection_close 0",
        "downstream_data 0 1",
        "downstream_connection_close 1",
        ...END,
      ]);
    },
  );

  behaviour(
    "a second filter that pauses shows the first one the same bytes again",
    {
      script: [
        "on downstream_data\n a = buffer 2 0 100",
        "on downstream_data\n b = buffer 2 0 100\n when $n 1 : return 1",
      ],
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await b.logged("b");
      client.write("def");
      await upstream.receives("abcdef");
      expect(await b.allLogged("a")).toEqual(["0 abc", "0 abcdef"]);
      expect(await b.allLogged("b")).toEqual(["0 abc", "0 abcdef"]);
    },
  );

  behaviour(
    "a first filter that pauses new_connection keeps the second one unborn",
    { script: [`trace\non new_connection\n return 1`, "trace"] },
    async (b) => {
      const client = await b.connect();
      await b.called("new_connection");
      expect(await b.trace()).toEqual(START);
      client.reset();
    },
  );
});
