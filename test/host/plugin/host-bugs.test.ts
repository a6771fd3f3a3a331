import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { HeaderMap } from "../../../host/stores/header-map";
import { FilterChain } from "../../../host/stream/filter-chain";
import { NetworkChain } from "../../../host/stream/network-chain";
import { guest } from "../../support/guests";
import { RecordingEnds } from "../support/fake-ends";
import { InMemoryHost, noStats, openStream } from "../support/in-memory";

/** Metrics break: a defect of the host inside a hostcall. */
const stats = {
  ...noStats,
  counter: () => {
    throw new TypeError("stats are broken");
  },
};

let puppet: Buffer;
beforeAll(async () => {
  puppet = readFileSync(await guest("puppet"));
});

async function start(script: string) {
  const host = new InMemoryHost({ stats });
  const plugin = await host.load(puppet, { configuration: Buffer.from(script) });
  return { host, plugin };
}

const request = () =>
  HeaderMap.of("request", [
    [":method", "GET"],
    [":path", "/"],
  ]);
const response = () => HeaderMap.of("response", [[":status", "200"]]);
const BUG = /critical.*host bug in proxy_define_metric: TypeError: stats are broken/;

test("a host bug before response headers: 500, whatever the guest asked for, and the VM lives", async () => {
  const { host, plugin } = await start(
    "on request_headers\n when $n 1 : m = metric 0 boom\n when $n 1 : reply 200 fine body 0\n when $n 1 : continue 0",
  );
  const { chain, ends } = openStream(plugin);
  chain.requestHeaders(request(), true);
  chain.finish();
  expect(ends.events).toEqual(["cancel upstream", "response headers 500 end"]);
  expect(ends.info.responseCodeDetails).toBe("host_bug");
  expect(host.log.filter((line) => BUG.test(line))).toHaveLength(1);
  expect(host.log.join("")).toContain("m=10");
  expect(host.log.join("")).not.toContain("failed: Uncaught");
});

test("a host bug after response headers have left: a reset", async () => {
  const { host, plugin } = await start("on response_body\n metric 0 boom");
  const { chain, ends } = openStream(plugin);
  chain.requestHeaders(request(), true);
  chain.responseHeaders(response(), false);
  chain.responseData(Buffer.from("x"), true);
  expect(ends.events).toEqual(["request headers end", "response headers 200", "reset host_bug"]);
  chain.finish();
  expect(host.log.filter((line) => BUG.test(line))).toHaveLength(1);
});

test("a host bug while a stream is logged or torn down changes nothing for it", async () => {
  const { host, plugin } = await start("on log\n metric 0 boom\non done\n metric 0 boom");
  const { chain, ends } = openStream(plugin);
  chain.requestHeaders(request(), true);
  chain.responseHeaders(response(), true);
  chain.finish();
  expect(ends.events).toEqual(["request headers end", "response headers 200 end"]);
  expect(host.log.filter((line) => BUG.test(line))).toHaveLength(2);
});

test("a host bug under a TCP connection closes it", async () => {
  const { host, plugin } = await start("on downstream_data\n metric 0 boom");
  const events: string[] = [];
  const chain = new NetworkChain([plugin.networkFactory], {
    info: new RecordingEnds().info,
    connect: () => events.push("connect"),
    toUpstream: (data, end) => events.push(`up ${data} ${end}`),
    toDownstream() {},
    closeDownstream() {
      events.push("close");
      chain.seal();
    },
    holding() {},
  });
  chain.start();
  chain.downstreamData(Buffer.from("x"), false);
  expect(events).toEqual(["connect", "close"]);
  expect(host.log.filter((line) => BUG.test(line))).toHaveLength(1);
});

test("what a guest asked for breaks when it is carried out: the stream ends, nothing is thrown", async () => {
  const { host, plugin } = await start("on request_headers\n continue 0\n return 1");
  const { chain, ends } = openStream(plugin);
  const forward = ends.forwardRequestHeaders.bind(ends);
  ends.forwardRequestHeaders = (map, end) => {
    forward(map, end);
    throw new RangeError("the router is broken");
  };
  chain.requestHeaders(request(), true);
  expect(ends.events).toEqual(["request headers end", "cancel upstream", "response headers 500 end"]);
  expect(host.log.join("")).toMatch(
    /host bug in what context \d+ asked for in proxy_on_request_headers: RangeError/,
  );
});

test("what a timer asked for on behalf of a stream breaks: that stream ends, not nobody", async () => {
  const { host, plugin } = await start(
    "on configure\n tick 10\non request_headers\n return 1\non tick\n effective $stream\n continue 0",
  );
  const { chain, ends } = openStream(plugin);
  ends.forwardRequestHeaders = () => {
    throw new RangeError("the router is broken");
  };
  chain.requestHeaders(request(), true);
  await expect.poll(() => ends.events).toEqual(["cancel upstream", "response headers 500 end"]);
  plugin.vm.close();
  expect(host.log.join("")).toMatch(/host bug in what context \d+ asked for in proxy_on_tick: RangeError/);
});

test("a host bug in what makes the answer to a host bug: logged twice, the stream is cut", async () => {
  const { plugin } = await start("on request_headers\n metric 0 boom");
  const ends = new RecordingEnds();
  ends.decorateLocalReply = () => {
    throw new TypeError("no reply either");
  };
  const bugs: unknown[] = [];
  const limits = { requestBufferLimit: 10, responseBufferLimit: 10 };
  const chain = new FilterChain([plugin.factory], ends, {
    ...limits,
    onBug: (error) => void bugs.push(error),
  });
  chain.requestHeaders(request(), true);
  chain.finish();
  expect(bugs.map(String)).toEqual(Array(2).fill("TypeError: no reply either"));
  expect(ends.events).toEqual(["cancel upstream", "cancel upstream", "reset host_bug"]);
});
