import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { GrpcCaller, GrpcEvents, GrpcRequest } from "../../../host/context/grpc-caller";
import { HeaderMap } from "../../../host/stores/header-map";
import { guest } from "../../support/guests";
import { exchange, InMemoryHost } from "../support/in-memory";

/** Takes every call and leaves it to the test what comes of it. */
class Recorder implements GrpcCaller {
  readonly started: { request: GrpcRequest; events: GrpcEvents; sent: string[]; cancelled: boolean }[] = [];

  hasCluster = () => true;

  start(request: GrpcRequest, events: GrpcEvents) {
    const call = { request, events, sent: [] as string[], cancelled: false };
    this.started.push(call);
    return {
      send(message: Buffer, endStream: boolean): boolean {
        call.sent.push(`${message}${endStream ? " end" : ""}`);
        return true;
      },
      close: () => void call.sent.push("end"),
      cancel: () => {
        call.cancelled = true;
      },
    };
  }
}

async function puppet(script: string, concurrency = 1) {
  const caller = new Recorder();
  const host = new InMemoryHost({ grpcCaller: caller, concurrency });
  const plugin = await host.load(await readFile(await guest("puppet")), {
    configuration: Buffer.from(script),
  });
  const logged = (name: string) =>
    host.log
      .filter((line) => line.includes(` ${name}=`))
      .map((line) => line.slice(line.indexOf(`${name}=`) + name.length + 1).trim());
  return { caller, host, plugin, logged };
}

test("everything under way is cancelled with its root, and nothing is told any more", async () => {
  const { caller, host, plugin, logged } = await puppet(`
    on request_headers
      grpc-call app 0 s m one
      grpc-stream app s m
    on grpc_close
      told = set 1
    on grpc_receive
      told = set 1`);
  exchange(plugin);
  host.runtime.close();
  expect(caller.started.map(({ cancelled }) => cancelled)).toEqual([true, true]);
  for (const { events } of caller.started) {
    events.onMessage(Buffer.from("late"));
    events.onClose(0, "");
  }
  expect(logged("told")).toEqual([]);
});

test("calls of the canary are cancelled when it has been looked at", async () => {
  const { caller } = await puppet("on configure\n grpc-call app 0 s m one");
  expect(caller.started.map(({ cancelled }) => cancelled)).toEqual([true, false, false]);
});

test("a VM that has failed hears of nothing", async () => {
  const { caller, plugin, logged } = await puppet(`
    on request_headers
      grpc-stream app s m
    on grpc_receive
      told = set 1
      trap`);
  exchange(plugin);
  const { events } = caller.started[0]!;
  events.onMessage(Buffer.from("1"));
  events.onMessage(Buffer.from("2"));
  events.onClose(0, "");
  expect(logged("told")).toHaveLength(1);
});

test("of streams the host has ended and the guest has not closed, the last 1000 stay known", async () => {
  const { caller, plugin, logged } = await puppet(`
    on request_headers
      path = get 0 x-close
      when $path '' : grpc-stream app s m
      when $path '' : return 0
      answer = grpc-close $path`);
  for (let i = 0; i < 1002; i++) {
    exchange(plugin);
    caller.started[i]!.events.onClose(0, "");
  }
  for (const id of [6, 10, 14, 6 + 1001 * 4]) exchange(plugin, [["x-close", String(id)]]);
  // NotFound, NotFound, Ok, Ok
  expect(logged("answer")).toEqual(["1", "1", "0", "0"]);
});

test.each(["''", "h1", "empty"])("a name that ends Envoy is a ParseFailure: %s", async (name) => {
  const { caller, plugin, logged } = await puppet(`
    on request_headers
      call = grpc-call ${name} 0 s m ''
      stream = grpc-stream ${name} s m`);
  exchange(plugin);
  expect([logged("call"), logged("stream")]).toEqual([["4"], ["4"]]);
  expect(caller.started).toEqual([]);
});

test("google_grpc is a BadArgument", async () => {
  const { plugin, logged } = await puppet("on request_headers\n call = grpc-call %12%00 0 s m ''");
  exchange(plugin);
  expect(logged("call")).toEqual(["2"]);
});

test("the guest's metadata with known names joined, and the events as they come", async () => {
  const { caller, plugin, logged } = await puppet(`
    on request_headers
      id = grpc-stream app pkg.S M X-A 1 te a te b
      grpc-send $id hello 0
      grpc-close $id
    on grpc_receive_initial_metadata
      im = pairs 4
    on grpc_receive
      m = buffer 5 0 9
    on grpc_receive_trailing_metadata
      tm = pairs 5
    on grpc_close
      st = status`);
  exchange(plugin);
  const { request, events, sent } = caller.started[0]!;
  expect([request.service, request.method, request.timeoutMs, [...request.metadata]]).toEqual([
    "pkg.S",
    "M",
    undefined,
    [
      ["x-a", "1"],
      ["te", "a,b"],
    ],
  ]);
  expect(sent).toEqual(["hello", "end"]);
  events.onInitialMetadata(HeaderMap.of("response", [[":status", "200"]]));
  events.onMessage(Buffer.from("hi"));
  events.onTrailingMetadata(HeaderMap.of("response-trailers", [["a", "b"]]));
  events.onClose(-1, "odd");
  expect(["im", "m", "tm", "st"].map((name) => logged(name)[0])).toEqual([
    "0 :status=200",
    "0 hi",
    "0 a=b",
    "0 4294967295 odd",
  ]);
});
