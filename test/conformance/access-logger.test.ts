import { expect, test } from "vitest";
import * as build from "../support/bootstrap";
import { type Behaviour, conformance } from "../support/conformance";
import { token } from "../support/guest-bytes";
import { guest } from "../support/guests";
import { exchange } from "../support/raw-client";
import { field } from "../support/wire";

async function expectLogged(b: Behaviour, wanted: Record<string, string>): Promise<void> {
  const found = await Promise.all(Object.keys(wanted).map(async (name) => [name, await b.logged(name)]));
  expect(Object.fromEntries(found)).toEqual(wanted);
}

const SET_STATE = `foreign set_envoy_filter_state ${token(Buffer.concat([field(1, "envoy.string"), field(2, "x")]))}`;

conformance("Access logger", ({ behaviour, engine }) => {
  behaviour(
    "on_log comes on the root, for every request, with nothing around it",
    { loggers: ["trace"] },
    async (b) => {
      await b.exchange();
      await b.exchange();
      const callbacks = (await b.messages()).filter((line) => line.startsWith("> "));
      expect(callbacks.slice(-2)).toEqual(["> log 1", "> log 1"]);
      expect(new Set(await b.callbacks())).toEqual(
        new Set(["context_create", "vm_start", "configure", "log"]),
      );
    },
  );

  behaviour(
    "maps and properties are those of the stream that has ended",
    {
      loggers: [
        `
        on log
          path = prop request path
          header = get 0 x-a
          code = prop-int response code
          status = get 2 :status
          up = get 2 x-up
          trailer = get 3 x-t
          request-trailer = get 1 x-t
          cluster = prop xds cluster_name
          address = prop upstream address
          root = prop plugin_root_id
          context = set $context`,
      ],
      upstream: (_, reply) => reply.send({ status: 203, headers: [["x-up", "1"]], body: "hello" }),
    },
    async (b) => {
      await b.exchange({ path: "/logged", headers: [["x-a", "1"]] });
      await expectLogged(b, {
        ...{ path: "0 /logged", header: "0 1", code: "0 203", status: "0 203", up: "0 1" },
        ...{ trailer: "1", "request-trailer": "1", cluster: `0 ${b.id}` },
        ...{ address: `0 127.0.0.1:${b.upstream.port}`, root: `0 ${b.id}`, context: "0 1" },
      });
    },
  );

  behaviour(
    "nothing of the stream can be changed: maps BadArgument, properties and filter state NotFound, the rest Ok without effect",
    {
      loggers: [
        `
        on log
          add = add 0 x-b 1
          size = size 0
          set = set-prop x mine
          get = prop mine
          state = ${SET_STATE}
          body = buffer 0 0 100
          reply = reply 403 x x -1
          continue = continue 0
          close = close 0
          route = foreign clear_route_cache ''`,
      ],
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      await expectLogged(b, {
        ...{ add: "2", size: "2", set: "1", get: "1", state: "1", body: "0" },
        ...{ reply: "0", continue: "0", close: "0", route: "0" },
      });
    },
  );

  behaviour(
    "what filters have set can be read; the entry comes after all filters have logged, before they are done",
    {
      script: [
        "trace\non request_headers\n set-prop v mine",
        "on log\n second = prop mine\n set-prop w mine",
      ],
      loggers: [
        "trace\non log\n one = prop mine\n two = prop filter_state wasm.mine",
        "on log\n other = prop mine",
      ],
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { second: "0 v", one: "0 w", two: "0 w", other: "0 w" });
      const order = (await b.messages()).filter((line) => /^(> (log|done) |second=|one=|other=)/.test(line));
      expect(order).toEqual(["> log 3", "second=0 v", "> log 1", "one=0 w", "other=0 w", "> done 3"]);
    },
  );

  behaviour(
    "outside of on_log the root has no stream: ticks, and answers to the calls it makes",
    {
      loggers: [
        `
        on log
          inside = prop request path
          call dead 1000 '' :path / :method GET :authority x
          tick 10
        on http_call_response
          answered = prop request path
          status = get 6 :status
        on tick
          tick 0
          ticked = prop request path
          header = get 0 :path`,
      ],
    },
    async (b) => {
      await b.exchange({ path: "/x" });
      await expectLogged(b, { inside: "0 /x", answered: "1", status: "0 503", ticked: "1", header: "2" });
    },
  );

  behaviour(
    "a request that cannot even be read is logged: no request, the reply's headers",
    {
      loggers: [
        `
        on log
          path = prop request path
          header = get 0 :path
          status = get 2 :status
          close = get 2 connection
          details = prop response code_details`,
      ],
    },
    async (b) => {
      const client = await b.connect();
      client.socket.write("GET\r\n\r\n");
      await expectLogged(b, { path: "1", header: "1", status: "0 400", close: "0 close" });
      expect(await b.logged("details")).toMatch(/^0 http1\.codec_error/);
      client.close();
    },
  );

  behaviour(
    "a trap in on_log ends the entries of that plugin, not the stream and not the other loggers",
    { loggers: ["on log\n first = set x\n trap", "on log\n second = set y"] },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect((await b.exchange()).status).toBe(200);
      expect(await b.allLogged("first")).toEqual(["0 x"]);
      expect(await b.allLogged("second")).toEqual(["0 y", "0 y"]);
    },
  );

  test("one plugin as filter and as two loggers has one root, and logs once as each", async () => {
    const wasm = await guest("puppet");
    const plugin = { name: "p", rootId: "p", vmId: "p", wasm, configuration: "trace" };
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "l",
            filters: [build.wasmFilter(plugin)],
            routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
            manager: { access_log: [build.wasmAccessLog(plugin), build.wasmAccessLog(plugin)] },
          }),
        ],
        clusters: [],
      }),
    );
    await exchange(proxy.port());
    const lines = await proxy.log.waitFor((all) => {
      const own = all.filter((l) => l.component === "wasm").map((l) => l.message.replace(/^wasm log /, ""));
      return own.includes("p p p: > delete 2") ? own : undefined;
    }, "the stream's end");
    const start = ["p p: > context_create 1 0", "p p: > vm_start 1 0", "p p: > configure 1 5"];
    // Canary, main thread, one worker.
    expect(lines.filter((l) => l.startsWith("p p: ") && !l.includes("log"))).toEqual([
      ...start,
      ...start,
      ...start,
    ]);
    expect(lines.filter((l) => l.includes("> log"))).toEqual([
      "p p p: > log 2",
      "p p: > log 1",
      "p p: > log 1",
    ]);
  });
});
