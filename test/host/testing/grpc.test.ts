import { expect, test } from "vitest";
import { TestHost, type TestHostOptions } from "../../../host/testing/index";
import { startHost } from "../../../host/testing/vitest";

/** The SDK guest of test/sdk/engines/grpc.test.ts, where real servers answer it. */
function start(
  rootId: string,
  services: TestHostOptions["services"] = {},
  how = startHost,
): Promise<TestHost> {
  return how({ plugins: { module: "test/sdk/guests/grpc.ts", rootId }, services });
}

const say = (message: string) => ({ headers: { "x-message": message } });

test("a call: what it sends, and an answer in its time", async () => {
  const host = await start("unary", { echo: ({ text }) => ({ message: `re ${text}`, afterMs: 20 }) });
  const exchange = host.request(say("hello"));
  expect(host.grpcCalls("echo")[0]).toMatchObject({
    service: "test.Echo",
    method: "Say",
    timeoutMs: 5000,
    unary: true,
    ended: true,
  });
  expect(host.grpcCalls()[0]!.metadata.get("x-who")).toBe("me");
  host.advance(19);
  expect(exchange).toBeHeld();
  host.advance(1);
  expect(exchange).toBeAnswered(200, "re hello");
});

// The same texts as in test/conformance/grpc-calls.test.ts, where Envoy says them.
const RESET = "upstream connect error or disconnect/reset before headers. reset reason:";
test.each([
  [{ status: 7, details: "no way" }, "7 no way{via_upstream}"],
  [{ status: 9 }, "9 via_upstream"],
  [{}, "13 "],
  [
    { failure: "refused" },
    `14 ${RESET} remote connection failure{upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}}`,
  ],
  [
    { failure: "reset" },
    `14 ${RESET} connection termination{upstream_reset_before_response_started{connection_termination}}`,
  ],
  [{ failure: "cut" }, "13 upstream_reset_after_response_started{connection_termination}"],
] as const)("%j", async (answer, text) => {
  const host = await start("unary", { echo: answer });
  expect(host.request()).toBeAnswered(500, text);
});

test("a timeout comes at its time", async () => {
  const host = await start("unary", { echo: { failure: "timeout" } });
  const exchange = host.request({ headers: { "x-timeout": "300" } });
  host.advance(299);
  expect(exchange).toBeHeld();
  host.advance(1);
  expect(exchange).toBeAnswered(500, "14 upstream request timeout{response_timeout}");
});

test("no host", async () => {
  const host = await start("unary", { echo: "no host" });
  expect(host.request()).toBeAnswered(500, "not sent: 10");
});

test("a stream, driven by the test", async () => {
  const host = await start("talk", { echo: () => undefined });
  const exchange = host.request(say("one two"));
  const [call] = host.grpcCalls();
  expect([call!.unary, call!.messages.map(String)]).toEqual([false, ["one"]]);
  call!.begin({ "x-greeting": "hello" });
  call!.reply("re one");
  host.settle();
  expect(call!.messages.map(String)).toEqual(["one", "two"]);
  call!.reply("re two");
  host.settle();
  expect(call!.ended).toBe(true);
  call!.end(0, "", { "x-farewell": "bye" });
  host.settle();
  expect(exchange).toBeAnswered(200, "[hello]|re one|re two|[bye]|0 via_upstream false");
  expect(call!.open).toBe(false);
});

test("a client that leaves: its stream is cancelled at the next event", async () => {
  const host = await start("talk", { echo: () => undefined });
  host.request(say("one")).disconnect();
  const [call] = host.grpcCalls();
  call!.reply("late");
  host.settle();
  expect(call!.cancelled).toBe(true);
});

test("a stream of the root's own stays open", async () => {
  const host = await start("watch", { echo: () => undefined });
  const call = host.grpcCalls().find(({ open }) => open)!;
  call.reply("news");
  host.settle();
  expect(host).toHaveLogged("watched news");
});

test("a call nobody answers, and one to a cluster that is not mocked, are named", async () => {
  const host = await start("unary", { echo: () => undefined }, (options) => TestHost.start(options));
  host.request().disconnect();
  host.request({ headers: { "x-cluster": "other" } });
  expect(() => host.close()).toThrow(
    /open: gRPC call to "echo": test\.Echo\/Say[\s\S]*a gRPC call to cluster "other", which no mockGrpc answers/,
  );
});
