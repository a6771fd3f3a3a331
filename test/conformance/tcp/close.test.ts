import { expect } from "vitest";
import { tcpConformance } from "../../support/tcp-conformance";
import { echo } from "../../support/tcp-peer";

const END = ["done", "log", "delete"];
const START = ["context_create", "new_connection"];

tcpConformance("TCP filters: close", ({ behaviour }) => {
  for (const type of [2, 3])
    behaviour(
      `close_stream(${type}) from new_connection: no upstream connection`,
      { script: `trace\non new_connection\n c = close ${type}` },
      async (b) => {
        await (await b.connect()).over();
        expect(await b.logged("c")).toBe("0");
        expect(await b.wholeTrace()).toEqual([...START, "downstream_connection_close 1", ...END]);
        expect(b.upstream.connections.length).toBe(0);
      },
    );

  for (const type of [2, 3])
    behaviour(
      `close_stream(${type}) from downstream_data: the bytes do not get through`,
      { script: `trace\non downstream_data\n c = close ${type}` },
      async (b) => {
        const { client, upstream } = await b.pair();
        client.write("abc");
        await client.over();
        await upstream.over();
        expect(upstream.text).toBe("");
        expect(await b.wholeTrace()).toEqual([
          ...START,
          "downstream_data 3 0",
          "downstream_connection_close 1",
          ...END,
        ]);
      },
    );

  for (const type of [2, 3])
    behaviour(
      `close_stream(${type}) from upstream_data: those bytes are lost, earlier ones arrive`,
      { script: `trace\non upstream_data\n when $n 2 : c = close ${type}` },
      async (b) => {
        const { client, upstream } = await b.pair();
        upstream.write("abc");
        await client.receives("abc");
        upstream.write("def");
        await client.over();
        expect(client.text).toBe("abc");
        await upstream.over();
        expect(await b.wholeTrace()).toEqual([
          ...START,
          "upstream_data 3 0",
          "upstream_data 3 0",
          "downstream_connection_close 1",
          ...END,
        ]);
      },
    );

  behaviour(
    "close_stream from upstream_connection_close",
    { script: "trace\non upstream_connection_close\n c = close 2" },
    async (b) => {
      const { client, upstream } = await b.pair();
      upstream.write("abc");
      upstream.end();
      await client.over();
      await upstream.over();
      expect(await b.logged("c")).toBe("0");
      expect((await b.wholeTrace()).slice(-5)).toEqual([
        "upstream_connection_close 0",
        "downstream_connection_close 1",
        ...END,
      ]);
    },
  );

  behaviour(
    "close_stream where the end has come already",
    {
      script:
        "trace\non downstream_connection_close\n a = close 2\non done\n b = close 2\non log\n c = close 2\n d = continue 2\non delete\n e = close 2",
    },
    async (b) => {
      const { client } = await b.pair();
      client.reset();
      for (const name of ["a", "b", "c", "d", "e"]) expect(await b.logged(name)).toBe("0");
      expect((await b.wholeTrace()).slice(-4)).toEqual(["downstream_connection_close 2", ...END]);
    },
  );

  behaviour(
    "close_stream from a timer needs the effective context",
    {
      script: `trace\non new_connection\n tick 10\non tick\n tick 0\n a = close 2\n b = effective $stream\n c = close 2`,
    },
    async (b) => {
      const client = await b.connect();
      await client.over();
      for (const name of ["a", "b", "c"]) expect(await b.logged(name)).toBe("0");
      expect(await b.wholeTrace()).toEqual([...START, "downstream_connection_close 1", ...END]);
    },
  );

  behaviour(
    "close_stream from a timer on the root alone does nothing",
    { script: "on new_connection\n tick 10\non tick\n tick 0\n a = close 2" },
    async (b) => {
      const { client, upstream } = await b.pair();
      expect(await b.logged("a")).toBe("0");
      client.write("abc");
      await upstream.receives("abc");
    },
  );

  behaviour(
    "close_stream from on_http_call_response",
    {
      script: `
      on downstream_data
        k = call http 1000 '' :method GET :path /check :authority a
        return 1
      on http_call_response
        s = get 6 :status
        effective $stream
        c = close 2`,
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await client.over();
      expect(await b.logged("s")).toBe("0 200");
      expect(upstream.text).toBe("");
    },
  );

  behaviour(
    "continue_stream from on_http_call_response",
    {
      script: `
      on downstream_data
        k = call http 1000 '' :method GET :path /check :authority a
        return 1
      on http_call_response
        e = effective $stream
        c = continue 2`,
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await upstream.receives("abc");
      expect(await b.logged("k")).toBe("0 4");
    },
  );

  behaviour(
    "the answer to a call comes after the connection is gone",
    {
      script: `
      on downstream_data
        k = call http 1000 '' :method GET :path /check :authority a
        close 2
      on http_call_response
        e = effective $stream`,
    },
    async (b) => {
      const { client } = await b.pair();
      client.write("abc");
      await client.over();
      expect(await b.logged("e")).toBe("2");
    },
  );

  behaviour(
    "http_call in every callback",
    {
      script: `${[
        "new_connection",
        "downstream_data",
        "upstream_data",
        "downstream_connection_close",
        "log",
        "done",
        "delete",
      ]
        .map((name) => `on ${name}\n k = call http 1000 '' :method GET :path /${name} :authority a`)
        .join("\n")}\non http_call_response\n s = get 6 :status`,
      upstream: echo,
    },
    async (b) => {
      const client = await b.connect();
      client.write("abc");
      await client.receives("abc");
      client.reset();
      const answers = async (): Promise<string[]> => {
        const all = await b.allLogged("s");
        return all.length < 7 ? answers() : all;
      };
      expect(await answers()).toEqual(Array(7).fill("0 200"));
      expect(await b.allLogged("k")).toEqual([4, 8, 12, 16, 20, 24, 28].map((id) => `0 ${id}`));
    },
  );

  behaviour(
    "send_local_response does nothing",
    { script: "on downstream_data\n r = reply 403 no no -1 x y" },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("abc");
      await upstream.receives("abc");
      expect(await b.logged("r")).toBe("0");
    },
  );

  behaviour(
    "close_stream after bytes that wait for a slow client: they all arrive first",
    { script: "on upstream_data\n x = set $size\n when $eos 1 : close 2" },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.socket.pause();
      upstream.write(Buffer.alloc(600_000, "x"));
      const seen = async (): Promise<void> => {
        const sizes = (await b.allLogged("x")).map((value) => Number(value.slice(2)));
        if (sizes.reduce((sum, size) => sum + size, 0) < 600_000) return seen();
      };
      await seen();
      upstream.end();
      await upstream.over();
      client.socket.resume();
      await client.over();
      expect(client.length).toBe(600_000);
    },
  );
});
