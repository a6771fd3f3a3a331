import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { inspectModule } from "../../../host/vm/inspect";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { GrpcServer, type Talk, type Unary } from "../../support/grpc-server";
import { exchange, RawClient, type RawRequest } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { buildGuest } from "../support/build-guest";

const NAMES = ["unary", "many", "refused", "talk"];

let wasm: string;
beforeAll(async () => {
  wasm = await buildGuest("grpc");
});

test("exports: the callbacks somebody overrides, and those that tell of the end", async () => {
  const { exports } = inspectModule(await readFile(await buildGuest("grpc-call-only")));
  const names = exports.map(({ name }) => name).filter((name) => name.startsWith("proxy_on_grpc"));
  expect(names.sort()).toEqual(["proxy_on_grpc_close", "proxy_on_grpc_receive"]);
});

const echo: Unary = (call, done) => done(null, call.request);
const repeat: Talk = (call) => {
  call.on("data", (message: Buffer) => call.write(message));
  call.on("end", () => call.end());
};

describeEngines("SDK: gRPC", (engine) => {
  let upstream: RawUpstream;
  let server: GrpcServer;
  const unary = { Say: echo };
  const talks = { Talk: repeat };
  let proxy: ProxyUnderTest;
  const ask = async (listener: string, request: RawRequest = {}) =>
    (await exchange(proxy.port(listener), request)).text;
  const say = (message: string): RawRequest => ({ headers: [["x-message", message]] });

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    server = await GrpcServer.start("test.Echo", { unary, talks });
    const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
    const listeners = NAMES.map((name) =>
      build.httpListener({
        name,
        filters: [build.wasmFilter({ name, rootId: name, vmId: "grpc", wasm })],
        routes,
      }),
    );
    const clusters = [
      build.cluster("app", upstream.port),
      build.cluster("echo", server.port, build.CLUSTER_HTTP2),
      { name: "empty", type: "STATIC", connect_timeout: "1s" },
    ];
    proxy = await engine.start(build.bootstrap({ listeners, clusters }));
  });
  afterAll(() => {
    server?.close();
    return upstream?.close();
  });
  beforeEach(() => {
    unary.Say = echo;
    talks.Talk = repeat;
  });

  test("a call: the message, any bytes, there and back", async () => {
    expect(await ask("unary", say("hello \xe9\xff"))).toBe("hello \xe9\xff");
    expect(await ask("unary", say(""))).toBe("");
  });

  test("the server sees metadata, binary too, and the deadline", async () => {
    let seen: unknown[] = [];
    unary.Say = (call, done) => {
      const left = Number(call.getDeadline()) - Date.now();
      seen = [call.metadata.get("x-who"), call.metadata.get("x-raw-bin"), left > 0 && left <= 3000];
      done(null, call.request);
    };
    await ask("unary", { headers: [["x-timeout", "3000"]] });
    expect(seen).toEqual([["me"], [Buffer.from("aé")], true]);
  });

  test("a failure: status and message, which stays as it was sent", async () => {
    unary.Say = (_, done) => done({ code: status.PERMISSION_DENIED, details: "not für you" });
    expect(await ask("unary")).toBe("7 not%20f%C3%BCr%20you{via_upstream}");
  });

  test("no answer in time, no connection", async () => {
    unary.Say = () => {};
    expect(await ask("unary", { headers: [["x-timeout", "50"]] })).toMatch(
      /^14 upstream request timeout|^4 /,
    );
    expect(await ask("unary", { headers: [["x-cluster", "app"]] })).toMatch(/^(2|13) via_upstream$/);
  });

  test("several calls at once, answered in any order", async () => {
    const waiting: (() => void)[] = [];
    unary.Say = (call, done) => {
      waiting.push(() => done(null, call.request));
      if (waiting.length === 5) for (const answer of waiting.reverse()) answer();
    };
    expect(await ask("many")).toBe("part 0,part 1,part 2,part 3,part 4");
  });

  test("what is not sent is said; objects under way refuse a second start; cluster names are safe", async () => {
    expect(await ask("refused")).toBe("2 10 10 1 0 12 0 12 0 1 1 0");
    expect(await ask("unary", say("still here"))).toBe("still here");
  });

  test("a stream: metadata, a message at a time, and its end", async () => {
    talks.Talk = (call) => {
      const head = new Metadata();
      head.set("x-greeting", `hello ${call.metadata.get("x-who")}`);
      call.sendMetadata(head);
      call.on("data", (message: Buffer) => call.write(Buffer.concat([Buffer.from("re "), message])));
      call.on("end", () => {
        const tail = new Metadata();
        tail.set("x-farewell", "bye");
        call.end(tail);
      });
    };
    expect(await ask("talk", say("one two three"))).toBe(
      "[hello me]|re one|re two|re three|[bye]|0 OK{via_upstream} false",
    );
  });

  test("a stream that the server fails", async () => {
    talks.Talk = (call) => {
      call.on("data", () => call.emit("error", { code: status.ABORTED, details: "enough" }));
    };
    expect(await ask("talk", say("one two"))).toMatch(/^\[\]\|\[\]\|10 enough\{via_upstream\} false$/);
  });

  test("a client that leaves: its stream is cancelled at the next message", async () => {
    const started = Promise.withResolvers<Parameters<Talk>[0]>();
    talks.Talk = (call) => {
      call.on("error", () => {});
      started.resolve(call);
    };
    const client = await RawClient.connect(proxy.port("talk"));
    client.send(say("one two"));
    const call = await started.promise;
    const cancelled = once(call, "cancelled");
    client.close();
    // Messages until the proxy has noticed that the client has gone.
    while (!call.cancelled) {
      call.write(Buffer.from("x"));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await cancelled;
    expect(await ask("unary", say("next"))).toBe("next");
  });

  test("a stream of the root's own, opened again when it has closed", async () => {
    talks.Talk = (call) => {
      call.on("data", (message: Buffer) => call.write(message));
      call.once("data", () => call.end());
    };
    const root = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "watch",
            filters: [build.wasmFilter({ name: "watch", rootId: "watch", wasm })],
            routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
          }),
        ],
        clusters: [build.cluster("echo", server.port, build.CLUSTER_HTTP2)],
      }),
    );
    const has = (text: string) =>
      root.log.waitFor((lines) => lines.find(({ message }) => message.endsWith(text)), text);
    for (const text of ["watched 1", "watch 1 closed: 0", "watched 2", "watch 2 closed: 0"]) await has(text);
  });
});
