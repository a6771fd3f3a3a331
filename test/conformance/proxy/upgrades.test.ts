import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "vitest";
import * as build from "../../support/bootstrap";
import { conformance, type Setup } from "../../support/conformance";
import { guest } from "../../support/guests";
import { exchange, RawClient } from "../../support/raw-client";
import type { ReplyWriter } from "../../support/raw-upstream";
import { TcpPeer } from "../../support/tcp-peer";
import {
  asking,
  body,
  callbacks,
  GRANTED,
  grants,
  switching,
  TRACE,
  until,
  upgraded,
} from "../../support/upgrades";

const wasm = await guest("puppet");
const WEBSOCKETS = { upgrade_configs: [{ upgrade_type: "websocket" }] };

/** Resolves when a socket gets rid of nothing any more. */
async function stalled(socket: Socket): Promise<void> {
  let left = -1;
  await until(async () => {
    const before = left;
    await new Promise((resolve) => setTimeout(resolve, 200));
    left = socket.writableLength;
    return left === before;
  }, 10_000);
}

conformance("Upgrades", ({ behaviour, proxy }) => {
  behaviour(
    "a WebSocket: 101 with its headers, then bytes both ways, which filters see as body",
    { script: TRACE, manager: WEBSOCKETS, upstream: grants },
    async (b) => {
      const peer = await upgraded(b);
      expect(peer.text.replace(/date: .*\r\n/, "")).toBe(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nx-u: 1\r\nserver: envoy\r\n\r\nhi",
      );
      peer.write("one");
      await until(() => peer.text.endsWith("hiecho:one"));
      expect(await proxy().stat(`http.${b.id}.downstream_cx_upgrades_active`)).toBe(1);
      expect(await proxy().stat(`http.${b.id}.downstream_rq_1xx`)).toBe(1);
      peer.reset();
      expect(await b.logged("details")).toBe("0 downstream_remote_disconnect");
      expect(await callbacks(b)).toEqual([
        "request_headers 9 0",
        "request_body 0 0",
        "response_headers 4 0",
        "response_body 2 0",
        "request_body 3 0",
        "response_body 8 0",
        "log",
        "done",
        "delete",
      ]);
      expect((await b.logged("request")).replace(/x-request-id=.*/, "")).toBe(
        "0 :authority=h|:path=/|:method=GET|:scheme=http|connection=Upgrade|upgrade=websocket|x-a=b|x-forwarded-proto=http|",
      );
      expect(await b.logged("response")).toBe("0 :status=101|connection=Upgrade|upgrade=websocket|x-u=1");
      expect([await b.logged("code"), await b.logged("flags")]).toEqual(["0 101", "0 16384"]);
      expect([await b.logged("sizes"), await b.logged("size")]).toEqual(["0 3", "0 10"]);
      const { headers } = await b.upstream.request();
      const seen = headers.filter(([name]) => name !== "x-request-id").map((pair) => pair.join("="));
      expect(seen).toEqual([
        "host=h",
        "connection=Upgrade",
        "upgrade=websocket",
        "x-a=b",
        "x-forwarded-proto=http",
        "x-envoy-expected-rq-timeout-ms=15000",
      ]);
      const stats = [
        "downstream_cx_upgrades_total",
        "downstream_cx_upgrades_active",
        "downstream_rq_active",
        "downstream_rq_response_before_rq_complete",
        "downstream_rq_rx_reset",
        "downstream_rq_tx_reset",
      ].map((name) => proxy().stat(`http.${b.id}.${name}`));
      expect(await Promise.all(stats)).toEqual([1, 0, 0, 1, 1, 0]);
      expect(await proxy().stat(`cluster.${b.id}.upstream_rq_101`)).toBe(1);
      await until(async () => (await proxy().stat(`cluster.${b.id}.upstream_cx_active`)) === 0);
    },
  );

  for (const [name, end, outcome] of [
    ["the client's end", (peer: TcpPeer) => peer.end(), "downstream_remote_disconnect 16384"],
    [
      "the host's end",
      (peer: TcpPeer) => peer.write("end"),
      "upstream_reset_after_response_started{connection_termination} 64",
    ],
    [
      "the host's reset",
      (peer: TcpPeer) => peer.write("reset"),
      "upstream_reset_after_response_started{connection_termination} 64",
    ],
  ] as const)
    behaviour(
      `${name} is that of both connections`,
      { script: TRACE, manager: WEBSOCKETS, upstream: grants },
      async (b) => {
        const peer = await upgraded(b);
        end(peer);
        expect(await peer.over()).toBe("ended");
        expect(`${await b.logged("details")} ${(await b.logged("flags")).slice(2)}`).toBe(`0 ${outcome}`);
        await until(() => b.upstream.sockets.size === 0);
        expect(await proxy().stat(`http.${b.id}.downstream_cx_upgrades_active`)).toBe(0);
      },
    );

  let greet = () => {};
  behaviour(
    "what a client sends ahead waits for the 101",
    {
      script: TRACE,
      manager: WEBSOCKETS,
      upstream: async (_, reply) => {
        const early: string[] = [];
        reply.socket.on("data", (data) => early.push(String(data)));
        await new Promise<void>((resolve) => {
          greet = resolve;
        });
        await switching(reply, `early:${early}`);
      },
    },
    async (b) => {
      const peer = await TcpPeer.connect(b.port);
      peer.write(`${asking("/")}ahead`);
      await b.upstream.request();
      peer.write("more");
      // Another request's way through the proxy takes longer than bytes on a connection that is there.
      await until(async () => (await callbacks(b)).includes("request_body 4 0"));
      greet();
      await until(() => body(peer.text).startsWith("early:"));
      await until(() => body(peer.text).includes("more"));
      expect(body(peer.text)).toMatch(/^early:echo:ahead(echo:)?more$/);
      peer.close();
    },
  );

  const answers: Record<string, (reply: ReplyWriter) => void> = {
    "/404": (reply) => reply.send({ status: 404, body: "nope" }),
    "/426": (reply) => reply.send({ status: 426, chunked: ["a", "b"] }),
    "/101": (reply) => reply.raw("HTTP/1.1 101 Switching Protocols\r\nX-U: 1\r\n\r\n"),
  };
  behaviour(
    "a refusal passes, and the connection is closed",
    {
      script: TRACE,
      manager: WEBSOCKETS,
      upstream: ({ path }, reply) => answers[path]!(reply),
    },
    async (b) => {
      const outcomes: string[] = [];
      for (const path of Object.keys(answers)) {
        const client = await RawClient.connect(b.port);
        // What follows a refusal is nobody's.
        client.write(asking(path) + (path === "/101" ? "" : "GET /not-http HTTP/1.1\r\nHost: h\r\n\r\n"));
        const response = path === "/101" ? undefined : await client.response();
        const { startLine, headers } = response
          ? { startLine: response.statusLine, headers: response.headers }
          : await client.head();
        const connection = headers.find(([name]) => name === "connection")?.[1];
        outcomes.push(`${startLine.split(" ")[1]} ${response?.text} ${connection}`);
        await client.closed;
        outcomes.push(await b.logged("details"));
      }
      expect(outcomes).toEqual([
        "404 nope close",
        "0 via_upstream",
        "426 ab close",
        "0 via_upstream",
        "101 undefined close",
        "0 via_upstream",
      ]);
      expect(b.upstream.requests.length).toBe(3);
    },
  );

  const own: Setup = {
    script: TRACE,
    upstream: (request, reply) =>
      request.header("upgrade")
        ? switching(reply)
        : reply.send({ body: request.header("connection") ?? "-" }),
    manager: { upgrade_configs: [{ upgrade_type: "websocket" }, { upgrade_type: "off", enabled: false }] },
    routes: (id) => [
      {
        match: { prefix: "/never" },
        route: { cluster: id, upgrade_configs: [{ upgrade_type: "WebSocket", enabled: false }] },
      },
      {
        match: { prefix: "/here" },
        route: { cluster: id, upgrade_configs: [{ upgrade_type: "off" }, { upgrade_type: "here" }] },
      },
      { match: { prefix: "/direct" }, direct_response: { status: 200, body: { inline_string: "no" } } },
      { match: { prefix: "/" }, route: { cluster: id } },
    ],
  };
  behaviour("who may: the connection manager says, a route has the last word", own, async (b) => {
    const ask = async (path: string, upgrade: string) => {
      const client = await RawClient.connect(b.port);
      client.write(asking(path, upgrade));
      const { startLine } = await client.head();
      client.close();
      return startLine.split(" ")[1];
    };
    expect({
      plain: await ask("/", "websocket"),
      case: await ask("/", "WebSocket"),
      other: await ask("/", "foo"),
      list: await ask("/", "websocket, foo"),
      never: await ask("/never", "websocket"),
      off: await ask("/", "off"),
      "on here": await ask("/here", "off"),
      "only here": await ask("/here", "here"),
      direct: await ask("/direct", "websocket"),
    }).toEqual({
      plain: "101",
      case: "101",
      other: "403",
      list: "403",
      never: "403",
      off: "403",
      "on here": "101",
      "only here": "101",
      direct: "200",
    });
    expect(await proxy().stat(`http.${b.id}.downstream_rq_ws_on_non_ws_route`)).toBe(4);
    expect(await b.allLogged("details")).toContain("0 upgrade_failed");
    // No upgrade at all, as far as the proxy is concerned.
    const h2c = await exchange(b.port, {
      headers: [
        ["connection", "upgrade, http2-settings"],
        ["upgrade", "h2c"],
        ["http2-settings", "x"],
      ],
    });
    expect([h2c.status, h2c.text]).toEqual([200, "-"]);
  });

  behaviour(
    "an upgrade with filters of its own",
    {
      script: "on request_headers\nadd 0 x-filter ordinary",
      manager: {
        upgrade_configs: [
          {
            upgrade_type: "websocket",
            filters: [
              build.wasmFilter({
                name: "own",
                wasm,
                rootId: "own",
                vmId: "own",
                configuration: "on request_headers\nadd 0 x-filter own",
              }),
              build.ROUTER,
            ],
          },
        ],
      },
      upstream: grants,
    },
    async (b) => {
      (await upgraded(b)).close();
      const client = await RawClient.connect(b.port);
      client.send({});
      await b.upstream.request(1);
      client.close();
      expect(b.upstream.requests.map((request) => request.header("x-filter"))).toEqual(["own", "ordinary"]);
    },
  );

  behaviour(
    "a filter that holds the request, and one that writes into the stream",
    {
      script: `on request_headers
add 0 x-seen yes
on request_body
when $size 3 : set-buffer 0 0 3 ONE
on response_body
when $size 8 : set-buffer 1 0 4 ECHO`,
      manager: WEBSOCKETS,
      upstream: grants,
    },
    async (b) => {
      const peer = await upgraded(b);
      peer.write("one");
      await until(() => body(peer.text) === "hiECHO:ONE");
      expect((await b.upstream.request()).header("x-seen")).toBe("yes");
      peer.close();
    },
  );

  const flood = Buffer.alloc(32 * 1024 * 1024, "0123456789abcdef\n");
  behaviour(
    "back pressure, each way: who does not read is not written to without end, and nothing is lost",
    {
      manager: WEBSOCKETS,
      listener: { per_connection_buffer_limit_bytes: 65_536 },
      cluster: { per_connection_buffer_limit_bytes: 65_536 },
      upstream: async (_, { socket }) => {
        socket.on("error", () => {});
        socket.write(`${GRANTED}\r\n`);
        socket.pause();
        await once(socket, "close");
      },
    },
    async (b) => {
      const client = await upgraded(b, "\r\n\r\n");
      const [host] = b.upstream.sockets;
      for (const [from, to] of [
        [client.socket, host!],
        [host!, client.socket],
      ] as const) {
        const got: Buffer[] = [];
        let length = 0;
        to.removeAllListeners("data");
        to.pause();
        to.on("data", (data: Buffer) => {
          got.push(data);
          length += data.length;
        });
        to.pause();
        from.write(flood);
        await stalled(from);
        expect(from.writableLength).toBeGreaterThan(0);
        to.resume();
        await until(() => length >= flood.length, 20_000);
        expect(Buffer.concat(got).equals(flood)).toBe(true);
      }
      client.close();
    },
  );
});
