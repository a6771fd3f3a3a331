import { expect } from "vitest";
import { tcpConformance } from "../../support/tcp-conformance";
import { echo } from "../../support/tcp-peer";

const END = ["done", "log", "delete"];
const START = ["context_create", "new_connection"];

tcpConformance("TCP filters: order of callbacks", ({ behaviour }) => {
  behaviour("the client closes first", { script: "trace", upstream: echo }, async (b) => {
    const client = await b.connect();
    client.write("hello");
    await client.receives("hello");
    client.end();
    await client.ended();
    expect(await b.wholeTrace()).toEqual([
      ...START,
      "downstream_data 5 0",
      "upstream_data 5 0",
      "downstream_data 0 1",
      "upstream_data 0 1",
      "upstream_connection_close 0",
      "downstream_connection_close 1",
      ...END,
    ]);
  });

  behaviour("the upstream closes first", { script: "trace" }, async (b) => {
    const { client, upstream } = await b.pair();
    upstream.write("bye");
    await client.receives("bye");
    upstream.end();
    await client.ended();
    client.write("late");
    await upstream.receives("late");
    client.end();
    await upstream.ended();
    expect(await b.wholeTrace()).toEqual([
      ...START,
      "upstream_data 3 0",
      "upstream_data 0 1",
      "upstream_connection_close 0",
      "downstream_data 4 0",
      "downstream_data 0 1",
      "downstream_connection_close 2",
      ...END,
    ]);
  });

  behaviour("nothing is sent", { script: "trace" }, async (b) => {
    const { client, upstream } = await b.pair();
    client.end();
    await upstream.ended();
    upstream.end();
    await client.ended();
    expect(await b.wholeTrace()).toEqual([
      ...START,
      "downstream_data 0 1",
      "upstream_data 0 1",
      "upstream_connection_close 0",
      "downstream_connection_close 1",
      ...END,
    ]);
  });

  behaviour("the client resets", { script: "trace" }, async (b) => {
    const { client, upstream } = await b.pair();
    client.write("x");
    await upstream.receives("x");
    client.reset();
    expect(await upstream.over()).toBe("reset");
    expect(await b.wholeTrace()).toEqual([
      ...START,
      "downstream_data 1 0",
      "downstream_connection_close 2",
      ...END,
    ]);
  });

  behaviour("the upstream resets", { script: "trace" }, async (b) => {
    const { client, upstream } = await b.pair();
    upstream.write("x");
    await client.receives("x");
    upstream.reset();
    expect(await client.over()).toBe("reset");
    expect(await b.wholeTrace()).toEqual([
      ...START,
      "upstream_data 1 0",
      "downstream_connection_close 1",
      ...END,
    ]);
  });

  behaviour("the upstream refuses the connection", { script: "trace", dead: true }, async (b) => {
    await (await b.connect()).over();
    expect(await b.wholeTrace()).toEqual([...START, "downstream_connection_close 1", ...END]);
  });

  behaviour("the cluster has no host", { script: "trace", proxy: { cluster: "none" } }, async (b) => {
    await (await b.connect()).over();
    expect(await b.wholeTrace()).toEqual([...START, "downstream_connection_close 1", ...END]);
  });

  behaviour(
    "silence ends the connection",
    { script: "trace", proxy: { idle_timeout: "0.1s" } },
    async (b) => {
      await (await b.connect()).over();
      expect(await b.wholeTrace()).toEqual([...START, "downstream_connection_close 1", ...END]);
    },
  );

  const label = (name: string) =>
    ["context_create", "new_connection", "downstream_data", "upstream_data", "upstream_connection_close"]
      .concat("downstream_connection_close", ...END)
      .map((callback) => `on ${callback}\n ${name} = set ${callback}`)
      .join("\n");
  behaviour(
    "two filters: read in chain order, write in reverse, the end filter by filter",
    { script: [label("a"), label("b")], upstream: echo },
    async (b) => {
      const client = await b.connect();
      client.write("x");
      await client.receives("x");
      client.end();
      await client.ended();
      await b.says("b=0 delete");
      const all = (await b.messages()).filter((m) => /^[ab]=0 /.test(m)).map((m) => m.replace("=0", ""));
      expect(all.slice(all.indexOf("a new_connection") - 1)).toEqual([
        "a context_create",
        "a new_connection",
        "b context_create",
        "b new_connection",
        "a downstream_data",
        "b downstream_data",
        "b upstream_data",
        "a upstream_data",
        "a downstream_data",
        "b downstream_data",
        "b upstream_data",
        "b upstream_connection_close",
        "a upstream_data",
        "a upstream_connection_close",
        "a downstream_connection_close",
        "a done",
        "a log",
        "a delete",
        "b downstream_connection_close",
        "b done",
        "b log",
        "b delete",
      ]);
    },
  );

  behaviour(
    "on_done answering false changes nothing",
    { script: "trace\non done\n d = done\n return 0" },
    async (b) => {
      const { client } = await b.pair();
      client.reset();
      expect((await b.wholeTrace()).slice(-3)).toEqual(END);
      expect(await b.logged("d")).toBe("1");
    },
  );
});
