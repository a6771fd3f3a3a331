import { once } from "node:events";
import { constants, type ServerHttp2Stream } from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import type { Http2Config } from "../../../host/config/model";
import { ClusterManager } from "../../../host/proxy/clusters/cluster-manager";
import { ConnectTimeoutError } from "../../../host/proxy/clusters/connector";
import { openUpstream } from "../../../host/proxy/clusters/open-upstream";
import type { UpstreamEvents, UpstreamStream } from "../../../host/proxy/clusters/upstream-events";
import { StatsStore } from "../../../host/proxy/stats/store";
import { HeaderMap } from "../../../host/stores/header-map";
import { Http2Upstream } from "../../support/http2-upstream";
import { cluster } from "./support/bootstrap";
import { tcpUpstream } from "./support/upstream";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const HTTP2: Http2Config = {
  allowConnect: false,
  tableSize: 4096,
  maxConcurrentStreams: 100,
  streamWindow: 65_535,
  connectionWindow: 1_048_576,
};
const HEAD: [string, string][] = [
  [":method", "POST"],
  [":path", "/p"],
  [":authority", "a.example"],
  [":scheme", "http"],
];

/** Records what happens to an exchange, one line an event. */
class Record implements UpstreamEvents {
  readonly lines: string[] = [];
  drains = 0;
  bytes = 0;
  private readonly waiting = new Set<() => void>();

  onUpstreamBug(error: unknown): void {
    throw error;
  }

  private add(line: string): void {
    this.lines.push(line);
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  /** The first line that begins so, past or to come. */
  until(start: string): Promise<string> {
    return this.untilLine((line) => line.startsWith(start));
  }

  async untilLine(wanted: (line: string) => boolean): Promise<string> {
    for (;;) {
      const line = this.lines.find(wanted);
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  onUpstreamReady = () => this.add("ready");
  onUpstreamHeaders = (headers: HeaderMap, end: boolean) =>
    this.add(`headers ${[...headers].map((pair) => pair.join("=")).join("|")} ${end}`);
  onUpstreamData = (chunk: Buffer, end: boolean) => {
    this.bytes += chunk.length;
    this.add(`data ${chunk.length > 50 ? chunk.length : chunk.toString("latin1")} ${end}`);
  };
  onUpstreamTrailers = (trailers: HeaderMap) =>
    this.add(`trailers ${[...trailers].map((pair) => pair.join("=")).join("|")}`);
  onUpstreamReset = (reason: string, detail: string) => this.add(`reset ${reason}/${detail}`);
  onUpstreamDrain = () => {
    this.drains++;
    this.add("drain");
  };
  onUpstreamInformation = (status: number) => this.add(`information ${status}`);
}

function clusterAt(port: number, options: Partial<Http2Config> = {}) {
  const store = new StatsStore();
  const http2 = { ...HTTP2, ...options };
  const clusters = new ClusterManager([cluster("app", port, { http2 })], store);
  cleanups.push(() => clusters.close());
  const app = clusters.get("app")!;
  return {
    app,
    stat: (name: string) => store.counter(`cluster.app.${name}`).value,
    send(endStream: boolean, more: [string, string][] = []): { record: Record; request: UpstreamStream } {
      const record = new Record();
      const headers = HeaderMap.of("request", [...HEAD, ...more]);
      return { record, request: openUpstream(app, app.pick()!, headers, endStream, record) };
    },
  };
}

async function upstream(handler: (stream: ServerHttp2Stream) => void, settings = {}) {
  const made = await Http2Upstream.start(({ stream }) => handler(stream), settings);
  cleanups.push(() => made.close());
  return made;
}

test("headers go out in their order, repeated ones and Latin-1 bytes as they are; the answer comes back whole", async () => {
  const server = await upstream((stream) => {
    stream.respond({ ":status": 201, "x-many": ["1", "2"], "x-byte": "\xe9" });
    stream.end("hello");
  });
  const { send, stat } = clusterAt(server.port);
  const { record } = send(true, [
    ["x-b", "1"],
    ["x-a", "\xff"],
    ["x-b", "2"],
  ]);
  await record.until("data hello true");
  expect(server.requests[0]!.headers).toEqual([...HEAD, ["x-b", "1"], ["x-a", "\xff"], ["x-b", "2"]]);
  expect(record.lines[0]).toBe("ready");
  expect(record.lines[1]).toMatch(/^headers :status=201\|x-many=1\|x-many=2\|x-byte=\xe9\|date=.* false$/);
  expect(record.lines.slice(2)).toEqual(["data hello true"]);
  expect(stat("upstream_cx_http2_total")).toBe(1);
  expect(stat("upstream_rq_total")).toBe(1);
});

test("a response without a body ends with its headers; 1xx before it are told", async () => {
  const server = await upstream((stream) => {
    stream.additionalHeaders({ ":status": 103 });
    stream.respond({ ":status": 204 }, { endStream: true });
  });
  const { record } = clusterAt(server.port).send(true);
  expect(await record.until("headers")).toMatch(/ true$/);
  expect(record.lines).toHaveLength(3);
  expect(record.lines[1]).toBe("information 103");
});

test("body and trailers, both ways", async () => {
  const seen: string[] = [];
  const server = await upstream((stream) => {
    stream.on("data", (chunk: Buffer) => seen.push(chunk.toString()));
    stream.on("trailers", (trailers) => seen.push(JSON.stringify(trailers)));
    stream.on("end", () => {
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": ["1", "2"] }));
      stream.end("body");
    });
  });
  const { record, request } = clusterAt(server.port).send(false);
  request.write(Buffer.from("one"));
  request.end(HeaderMap.of("request-trailers", [["x-t", "9"]]));
  await record.until("trailers");
  expect(seen.join("|")).toContain('one|{"x-t":"9"}');
  expect(record.lines.slice(-2)).toEqual(["data body false", "trailers x-end=1|x-end=2"]);
});

test("write says when to wait, drain when to go on; a paused response holds the sender back", async () => {
  const size = 1_000_000;
  const server = await upstream((stream) => {
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  const { record, request } = clusterAt(server.port).send(false);
  request.pause(true);
  await record.until("headers");
  expect(request.write(Buffer.alloc(size))).toBe(false);
  request.pause(false);
  await record.until("drain");
  request.end();
  await record.untilLine((line) => /^data .* true$/.test(line));
  expect(record.drains).toBeGreaterThan(0);
  expect(record.bytes).toBe(size);
});

describe("resets", () => {
  test.each([
    [constants.NGHTTP2_INTERNAL_ERROR, "remote reset", [1, 0]],
    [constants.NGHTTP2_CANCEL, "remote reset", [1, 0]],
    [constants.NGHTTP2_NO_ERROR, "remote reset", [1, 0]],
    [constants.NGHTTP2_REFUSED_STREAM, "remote refused stream reset", [0, 0]],
    // What nghttp2 itself says when the answer breaks the rules.
    [constants.NGHTTP2_PROTOCOL_ERROR, "protocol error", [0, 1]],
  ])("RST_STREAM %i: %s", async (code, reason, counted) => {
    const server = await upstream((stream) => stream.close(code));
    const { send, stat, app } = clusterAt(server.port);
    expect(await send(true).record.until("reset")).toBe(`reset ${reason}/`);
    expect([stat("upstream_rq_rx_reset"), stat("upstream_rq_tx_reset")]).toEqual(counted);
    expect(app.resources.requests.count).toBe(0);
  });

  test("a lost connection", async () => {
    const server = await upstream((stream) => stream.session!.destroy());
    expect(await clusterAt(server.port).send(true).record.until("reset")).toMatch(
      /^reset connection termination/,
    );
  });

  test("nobody listens", async () => {
    const { record } = clusterAt(1).send(true);
    expect(await record.until("reset")).toBe(
      "reset remote connection failure/delayed connect error: Connection refused",
    );
    expect(record.lines).toHaveLength(1);
  });

  test("the connection does not come about in time", async () => {
    const { send, app } = clusterAt(1);
    const { record } = send(true);
    // What the connector's timer does.
    app.hosts[0]!.http2!.request({
      onSession: ({ socket }) => void socket.destroy(new ConnectTimeoutError("connection timeout")),
      onNoSession() {},
      onBug() {},
    });
    expect(await record.until("reset")).toBe("reset connection timeout/");
  });

  test("HTTP/1.1 in answer", async () => {
    const server = await tcpUpstream((socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    cleanups.push(() => server.close());
    expect(await clusterAt(server.port).send(true).record.until("reset")).toMatch(
      /^reset (protocol error|connection termination)/,
    );
  });

  test("headers HTTP/2 cannot carry", async () => {
    const server = await upstream((stream) => stream.respond({ ":status": 200 }, { endStream: true }));
    const { send, app } = clusterAt(server.port);
    expect(await send(true, [["connection", "close"]]).record.until("reset")).toBe("reset protocol error/");
    expect(app.resources.requests.count).toBe(0);
    expect(await send(true).record.until("headers")).toContain(":status=200");
  });
});

test("cancel: the host sees RST_STREAM, nothing more is told", async () => {
  let code: Promise<number> | undefined;
  const server = await upstream((stream) => {
    code = new Promise((resolve) => stream.once("close", () => resolve(stream.rstCode)));
    stream.respond({ ":status": 200 });
  });
  const { send, app } = clusterAt(server.port);
  const { record, request } = send(false);
  await record.until("headers");
  request.cancel();
  expect(await code).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  expect(record.lines).toHaveLength(2);
  expect(app.resources.requests.count).toBe(0);
});

test.each([
  ["the stream reset", (stream: ServerHttp2Stream) => stream.destroy(new Error("cut")), "remote reset"],
  ["the connection lost", (stream: ServerHttp2Stream) => stream.session!.destroy(), "connection termination"],
])("a response cut in its body is no complete one: %s", async (_, cut, reason) => {
  const server = await upstream((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("part", () => setImmediate(cut, stream));
  });
  const { record } = clusterAt(server.port).send(true);
  expect(await record.until("reset")).toBe(`reset ${reason}/`);
  expect(record.lines).toContain("data part false");
  expect(record.lines).not.toContain("data  true");
});

test("a request that is cut does not pass for a whole one", async () => {
  let ended = false;
  const closed = Promise.withResolvers<number>();
  const server = await upstream((stream) => {
    stream.on("end", () => {
      ended = !stream.aborted;
    });
    stream.on("close", () => closed.resolve(stream.rstCode));
    stream.respond({ ":status": 200 });
  });
  const { record, request } = clusterAt(server.port).send(false);
  request.write(Buffer.from("half"));
  await record.until("headers");
  request.cancel();
  expect(await closed.promise).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  expect(ended).toBe(false);
});

test("a request given up before there is a connection is never sent", async () => {
  const server = await upstream((stream) => stream.respond({ ":status": 200 }, { endStream: true }));
  const { send } = clusterAt(server.port);
  send(true, [["x", "given up"]]).request.cancel();
  await send(true, [["x", "sent"]]).record.until("headers");
  expect(server.requests.map((request) => request.header("x"))).toEqual(["sent"]);
});

describe("connections", () => {
  test("many requests share one", async () => {
    const held: ServerHttp2Stream[] = [];
    const all = Promise.withResolvers<void>();
    const server = await upstream((stream) => {
      held.push(stream);
      if (held.length === 50) all.resolve();
    });
    const { send, stat } = clusterAt(server.port);
    const sent = Array.from({ length: 50 }, () => send(true));
    await all.promise;
    for (const stream of held) stream.respond({ ":status": 200 }, { endStream: true });
    await Promise.all(sent.map(({ record }) => record.until("headers")));
    expect(server.sessions).toHaveLength(1);
    expect(stat("upstream_cx_total")).toBe(1);
    expect(stat("upstream_rq_total")).toBe(50);
  });

  test("another is opened when the streams of one are used up", async () => {
    const server = await upstream((stream) => stream.respond({ ":status": 200 }));
    const { send } = clusterAt(server.port, { maxConcurrentStreams: 2 });
    const sent = [send(true), send(true), send(true)];
    await Promise.all(sent.map(({ record }) => record.until("headers")));
    expect(server.sessions).toHaveLength(2);
  });

  test("GOAWAY: what is under way ends on the old one, new requests take a new one", async () => {
    const streams: ServerHttp2Stream[] = [];
    const server = await upstream((stream) => {
      streams.push(stream);
      stream.respond({ ":status": 200 });
    });
    const { send } = clusterAt(server.port);
    const [first, second] = [send(true), send(true)];
    await Promise.all([first.record.until("headers"), second.record.until("headers")]);
    server.sessions[0]!.close();
    // Behind the GOAWAY on the same connection: once this has come, that has too.
    streams[0]!.end("x");
    await first.record.until("data x true");
    await send(true).record.until("headers");
    expect(server.sessions).toHaveLength(2);
    streams[1]!.end("y");
    await second.record.until("data y true");
    expect(second.record.lines.join()).not.toContain("reset");
  });

  test("a lost one is replaced", async () => {
    const server = await upstream((stream) => stream.respond({ ":status": 200 }, { endStream: true }));
    const { send } = clusterAt(server.port);
    await send(true).record.until("headers");
    const session = server.sessions[0]!;
    session.destroy();
    await once(session, "close").catch(() => {});
    for (;;) {
      const { record } = send(true);
      const outcome = await Promise.race([record.until("headers"), record.until("reset")]);
      if (outcome.startsWith("headers")) break;
    }
    expect(server.sessions).toHaveLength(2);
  });
});
