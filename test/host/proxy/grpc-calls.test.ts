import { afterEach, expect, test } from "vitest";
import type { GrpcEvents, GrpcRequest } from "../../../host/context/grpc-caller";
import { ClusterManager } from "../../../host/proxy/clusters/cluster-manager";
import { ClusterGrpcCaller } from "../../../host/proxy/clusters/grpc-calls";
import { StatsStore } from "../../../host/proxy/stats/store";
import { HeaderMap } from "../../../host/stores/header-map";
import { clusterService } from "../../../host/stores/protobuf/grpc-service";
import { beginAnswer, grpcAnswer } from "../../support/grpc-wire";
import { type Http2Handler, Http2Upstream } from "../../support/http2-upstream";
import { cluster } from "./support/bootstrap";

const MIB = 1024 * 1024;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(handler: Http2Handler) {
  const server = await Http2Upstream.start(handler);
  const http2 = {
    allowConnect: false,
    tableSize: 4096,
    maxConcurrentStreams: 100,
    streamWindow: 65_535,
    connectionWindow: 65_535,
  };
  const store = new StatsStore();
  const clusters = new ClusterManager([cluster("app", server.port, { http2 })], store);
  const caller = new ClusterGrpcCaller(clusters, (error) => {
    throw error;
  });
  cleanups.push(
    () => caller.close(),
    () => clusters.close(),
    () => server.close(),
  );
  return { server, caller, app: clusters.get("app")!, store };
}

function request(more: Partial<GrpcRequest> = {}): GrpcRequest {
  return {
    target: clusterService("app"),
    service: "s",
    method: "m",
    metadata: new HeaderMap("request"),
    timeoutMs: undefined,
    ...more,
  };
}

/** Resolves with status and message when the exchange has closed. */
function outcome(): { events: GrpcEvents; closed: Promise<[number, string]>; messages: number[] } {
  const { promise, resolve } = Promise.withResolvers<[number, string]>();
  const messages: number[] = [];
  const events: GrpcEvents = {
    onInitialMetadata() {},
    onMessage: (message) => void messages.push(message.length),
    onTrailingMetadata() {},
    onClose: (status, text) => resolve([status, text]),
  };
  return { events, closed: promise, messages };
}

test("closing the proxy cancels what is under way and tells nobody", async () => {
  const { server, caller, app } = await setUp((call) => beginAnswer(call));
  const { events, closed } = outcome();
  let told = false;
  void closed.then(() => {
    told = true;
  });
  const exchange = caller.start(request(), events)!;
  exchange.send(Buffer.from("x"), false);
  const call = await server.request(0);
  caller.close();
  expect(await call.closed).toBe(2);
  expect([told, app.resources.requests.count]).toEqual([false, 0]);
  expect(exchange.send(Buffer.from("y"), true)).toBe(true);
});

test("a message above the limit ends the exchange: RESOURCE_EXHAUSTED", async () => {
  const { caller } = await setUp(async ({ stream }) => {
    stream.respond({ ":status": 200 });
    // The head of a message of 64 MiB and a byte.
    stream.write(Buffer.from([0, 4, 0, 0, 1]));
  });
  const { events, closed, messages } = outcome();
  caller.start(request(), events)!.send(Buffer.from("x"), true);
  expect(await closed).toEqual([8, "via_upstream"]);
  expect(messages).toEqual([]);
});

test("what a slow host does not take is refused at 64 MiB", async () => {
  const { caller } = await setUp(({ stream }) => void stream.pause());
  const exchange = caller.start(request(), outcome().events)!;
  const taken = Array.from({ length: 6 }, () => exchange.send(Buffer.alloc(16 * MIB), false));
  expect(taken).toEqual([true, true, true, false, false, false]);
  exchange.cancel();
});

test("numbers of the cluster and of the host", async () => {
  const { caller, app, store } = await setUp(
    grpcAnswer({ messages: ["x"], trailers: { "grpc-status": "0" } }),
  );
  const { events, closed } = outcome();
  caller.start(request({ timeoutMs: 1000 }), events)!.send(Buffer.from("x"), true);
  expect(await closed).toEqual([0, "via_upstream"]);
  const [host] = app.hosts;
  expect([host!.stats.rq_total.value, host!.stats.rq_success.value, host!.stats.rq_error.value]).toEqual([
    1, 1, 0,
  ]);
  expect(store.counter("cluster.app.upstream_rq_200").value).toBe(1);
  expect(store.counter("cluster.app.upstream_cx_http2_total").value).toBe(1);
  expect(app.resources.requests.count).toBe(0);
});

test("no such cluster, no host: nothing is started", async () => {
  const { caller, app, store } = await setUp(() => {});
  expect(caller.hasCluster("other")).toBe(false);
  expect(caller.start(request({ target: clusterService("other") }), outcome().events)).toBeUndefined();
  app.update([]);
  expect(caller.start(request(), outcome().events)).toBeUndefined();
  expect(store.counter("cluster.app.upstream_cx_none_healthy").value).toBe(1);
});
