import { afterEach, expect, test } from "vitest";
import type { HttpCallResponse } from "../../../host/context/http-caller";
import { ClusterManager } from "../../../host/proxy/clusters/cluster-manager";
import { ClusterHttpCaller } from "../../../host/proxy/clusters/http-calls";
import { StatsStore } from "../../../host/proxy/stats/store";
import { HeaderMap } from "../../../host/stores/header-map";
import { cluster } from "./support/bootstrap";
import { normalise } from "./support/raw-client";
import { echo, httpUpstream, tcpUpstream } from "./support/upstream";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function callerFor(port: number | undefined): ClusterHttpCaller {
  const clusters = new ClusterManager([cluster("app", port)], new StatsStore());
  const caller = new ClusterHttpCaller(clusters, (error) => {
    throw error;
  });
  cleanups.push(() => {
    caller.close();
    clusters.close();
  });
  return caller;
}

function call(caller: ClusterHttpCaller, body = "", timeoutMs = 1000): Promise<HttpCallResponse | undefined> {
  return new Promise((resolve) => {
    const headers = HeaderMap.of("request", [
      [":method", "POST"],
      [":path", "/p"],
      [":authority", "auth"],
      ["x-a", "1"],
      ["x-a", "2"],
    ]);
    let returned = false;
    caller.call("app", { headers, body: Buffer.from(body), trailers: undefined, timeoutMs }, (response) => {
      // An answer never overtakes the call's own return.
      expect(returned).toBe(true);
      resolve(response);
    });
    returned = true;
  });
}

test("what goes out and what comes back", async () => {
  const upstream = await httpUpstream(echo);
  cleanups.push(() => upstream.close());
  const caller = callerFor(upstream.port);
  expect(caller.hasCluster("app")).toBe(true);
  expect(caller.hasCluster("other")).toBe(false);
  const response = await call(caller, "body");
  expect(response?.headers.get(":status")).toBe("200");
  const seen = JSON.parse(response!.body.toString());
  expect(seen).toMatchObject({ method: "POST", url: "/p", body: "body" });
  expect(seen.headers).toEqual([
    ...["host", "auth", "x-a", "1", "x-a", "2", "content-length", "4"],
    ...["x-envoy-internal", "true", "x-envoy-expected-rq-timeout-ms", "1000"],
  ]);
});

test("no host: no call", () => {
  const request = {
    headers: new HeaderMap("request"),
    body: Buffer.alloc(0),
    trailers: undefined,
    timeoutMs: 0,
  };
  expect(callerFor(undefined).call("app", request, () => {})).toBeUndefined();
});

test("refusal and timeout are ordinary answers", async () => {
  const silent = await tcpUpstream(() => {});
  const late = await call(callerFor(silent.port), "", 30);
  expect([...late!.headers]).toEqual([
    [":status", "504"],
    ["content-length", "24"],
    ["content-type", "text/plain"],
  ]);
  expect(late!.body.toString()).toBe("upstream request timeout");
  await silent.close();
  const none = await call(callerFor(silent.port));
  expect(none!.headers.get(":status")).toBe("503");
  expect(normalise(none!.body.toString())).toBe(
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
  );
});

test("a cut answer is no answer", async () => {
  const upstream = await tcpUpstream((s) =>
    s.once("data", () => s.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab")),
  );
  cleanups.push(() => upstream.close());
  expect(await call(callerFor(upstream.port))).toBeUndefined();
});

test("a cancelled call is never answered", async () => {
  let gone = () => {};
  const closed = new Promise<void>((resolve) => {
    gone = resolve;
  });
  let reached = () => {};
  const arrived = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const upstream = await tcpUpstream((socket) => {
    socket.once("data", reached);
    socket.once("close", gone);
  });
  cleanups.push(() => upstream.close());
  const headers = HeaderMap.of("request", [
    [":method", "GET"],
    [":path", "/"],
    [":authority", "a"],
  ]);
  let answers = 0;
  const running = callerFor(upstream.port).call(
    "app",
    { headers, body: Buffer.alloc(0), trailers: undefined, timeoutMs: 0 },
    () => answers++,
  );
  await arrived;
  running!.cancel();
  await closed;
  expect(answers).toBe(0);
});
