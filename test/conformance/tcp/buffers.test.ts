import { expect } from "vitest";
import { tcpConformance } from "../../support/tcp-conformance";
import { echo } from "../../support/tcp-peer";

tcpConformance("TCP filters: buffers", ({ behaviour }) => {
  const EDITS: readonly [what: string, verb: string, sent: string, result: string, status?: string][] = [
    ["replace", "set-buffer 2 0 100 XY", "hello", "XY"],
    ["drop from the front", "set-buffer 2 0 2 ''", "hello", "llo"],
    ["drop all", "set-buffer 2 0 100 ''", "hello", ""],
    ["prepend", "set-buffer 2 0 0 >>", "hello", ">>hello"],
    ["replace the front", "set-buffer 2 0 2 J", "hello", "Jllo"],
    ["append", "set-buffer 2 5 0 !", "hello", "hello!"],
    ["append far behind", "set-buffer 2 500 3 !", "hello", "hello!"],
    ["in the middle", "set-buffer 2 2 1 x", "hello", "hello", "2"],
  ];
  for (const [what, verb, sent, result, status = "0"] of EDITS)
    for (const [side, callback, type] of [
      ["downstream", "downstream_data", "2"],
      ["upstream", "upstream_data", "3"],
    ] as const)
      behaviour(
        `${side}: ${what}`,
        {
          script: `on ${callback}\n when $n 1 : s = ${verb.replace(" 2 ", ` ${type} `)}\n when $n 1 : after = buffer ${type} 0 100`,
        },
        async (b) => {
          const { client, upstream } = await b.pair();
          const [from, to] = side === "downstream" ? [client, upstream] : [upstream, client];
          from.write(sent);
          expect(await b.logged("s")).toBe(status);
          from.end();
          await to.ended();
          expect(to.text).toBe(result);
          expect(await b.logged("after")).toBe(result === "" ? "0" : `0 ${result}`);
        },
      );

  behaviour(
    "edited bytes that are held are shown edited",
    {
      script:
        "on downstream_data\n x = buffer 2 0 100\n when $n 1 : set-buffer 2 0 100 XY\n when $n 1 : return 1",
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await b.logged("x");
      client.write("def");
      await upstream.receives("XYdef");
      expect(await b.allLogged("x")).toEqual(["0 abc", "0 XYdef"]);
    },
  );

  behaviour(
    "bytes added at the end of stream are sent",
    { script: "on downstream_data\n when $eos 1 : s = set-buffer 2 0 0 bye" },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.end();
      await upstream.ended();
      expect(upstream.text).toBe("bye");
      expect(await b.logged("s")).toBe("0");
    },
  );

  behaviour(
    "the second filter sees what the first one made",
    {
      script: [
        "on downstream_data\n set-buffer 2 0 0 1",
        "on downstream_data\n x = buffer 2 0 100\n set-buffer 2 0 0 2",
      ],
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("a");
      await upstream.receives("21a");
      expect(await b.logged("x")).toBe("0 1a");
    },
  );

  behaviour(
    "a buffer is out of reach outside its callback",
    {
      script: `
        on new_connection
          n2 = buffer 2 0 9
          n3 = buffer 3 0 9
          nw = set-buffer 2 0 0 x
        on downstream_data
          d3 = buffer 3 0 9
          dw = set-buffer 3 0 0 x
        on upstream_data
          u2 = buffer 2 0 9
          uw = set-buffer 2 0 0 x
        on downstream_connection_close
          c2 = buffer 2 0 9
          c3 = buffer 3 0 9
          c2w = set-buffer 2 0 0 x
          c3w = set-buffer 3 0 0 x
        on log
          l2 = buffer 2 0 9
          l3 = buffer 3 0 9`,
      upstream: echo,
    },
    async (b) => {
      const client = await b.connect();
      client.write("abc");
      await client.receives("abc");
      client.reset();
      const expected = {
        n2: "0",
        n3: "0",
        nw: "2",
        d3: "0",
        dw: "2",
        u2: "0",
        uw: "2",
        c2: "0",
        c3: "0",
        c2w: "2",
        c3w: "2",
        l2: "0",
        l3: "0",
      };
      for (const [name, value] of Object.entries(expected))
        expect([name, await b.logged(name)]).toEqual([name, value]);
    },
  );

  behaviour(
    "held bytes stay within reach: in the opposite callback and from a timer",
    {
      script: `
        on downstream_data
          when $n 1 : tick 10
          when $n 1 : return 1
        on tick
          tick 0
          effective $stream
          t2 = buffer 2 0 9
          ts = set-buffer 2 0 0 +
        on upstream_data
          u2 = buffer 2 0 9`,
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      expect(await b.logged("t2")).toBe("0 abc");
      expect(await b.logged("ts")).toBe("0");
      upstream.write("x");
      expect(await b.logged("u2")).toBe("0 +abc");
      client.write("d");
      await upstream.receives("+abcd");
    },
  );

  behaviour(
    "after continue the buffer is empty, and in reach until a callback answers 0",
    {
      script: `
        on downstream_data
          when $n 1 : tick 10
          when $n 1 : return 1
        on tick
          tick 0
          effective $stream
          t2 = buffer 2 0 9
          continue 2
        on upstream_data
          u2 = buffer 2 0 9
          us = set-buffer 2 0 0 x`,
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await upstream.receives("abc");
      upstream.write("x");
      expect(await b.logged("u2")).toBe("0");
      expect(await b.logged("us")).toBe("0");
      client.write("d");
      await upstream.receives("abcxd");
    },
  );

  behaviour(
    "header maps do not exist",
    {
      script:
        "on downstream_data\n g = get 0 x\n p = pairs 0\n a = add 0 x y\n s = size 0\n on log\n l = get 0 x",
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await upstream.receives("abc");
      client.reset();
      for (const [name, value] of Object.entries({ g: "2", p: "0", a: "2", s: "2", l: "2" }))
        expect([name, await b.logged(name)]).toEqual([name, value]);
    },
  );
});
