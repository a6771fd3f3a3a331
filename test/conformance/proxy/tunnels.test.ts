import { once } from "node:events";
import { expect } from "vitest";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { H2Client, type H2Exchange } from "../../support/h2-client";
import type { Http2Handler } from "../../support/http2-upstream";
import { RawClient } from "../../support/raw-client";
import type { UpstreamHandler } from "../../support/raw-upstream";
import { TcpPeer } from "../../support/tcp-peer";
import { asking, body, callbacks, grants, TRACE, until, upgraded } from "../../support/upgrades";

const TUNNELS = {
  upgrade_configs: [{ upgrade_type: "websocket" }, { upgrade_type: "CONNECT" }],
  http2_protocol_options: { allow_connect: true },
};

/** Routes: `/h2` leads to the host that speaks HTTP/2; a CONNECT ends here unless its headers say otherwise. */
const routes = (id: string) => {
  const connect = (header: string, route: object) => ({
    match: { connect_matcher: {}, headers: [{ name: header, present_match: true }] },
    route,
  });
  const ends = [{ upgrade_type: "CONNECT", connect_config: {} }];
  return [
    connect("x-dead", { cluster: "dead", upgrade_configs: ends }),
    connect("x-off", { cluster: id, upgrade_configs: [{ upgrade_type: "CONNECT", enabled: false }] }),
    connect("x-forward", { cluster: id }),
    connect("x-h2", { cluster: `${id}-h2` }),
    connect("x-ends", { cluster: id, timeout: "0.2s", upgrade_configs: ends }),
    { match: { prefix: "/h2" }, route: { cluster: `${id}-h2` } },
    { match: { prefix: "/" }, route: { cluster: id } },
  ];
};

/** The HTTP/2 host: as `grants`, in its own tongue. */
const grantsHttp2: Http2Handler = ({ stream }) => {
  stream.respond({ ":status": 200, "x-u": "1" }, { waitForTrailers: false });
  stream.write("hi");
  stream.on("data", (data: Buffer) => {
    if (String(data) === "end") stream.end("bye");
    else if (String(data) === "reset") stream.close(8);
    else stream.write(`echo:${data}`);
  });
};

const hosts: Setup = {
  script: TRACE,
  manager: TUNNELS,
  routes,
  upstream: grants,
  http2: grantsHttp2,
  http2Settings: { enableConnectProtocol: true },
};

const connecting = (header: string, rest = "") =>
  `CONNECT some.example:443 HTTP/1.1\r\nHost: ignored\r\n${header}: 1\r\n\r\n${rest}`;

async function outcome(b: Behaviour): Promise<string> {
  return `${(await b.logged("code")).slice(2)} ${(await b.logged("details")).slice(2)} ${(await b.logged("flags")).slice(2)}`;
}

const WEBSOCKET = (path: string): [string, string][] => [
  [":method", "CONNECT"],
  [":scheme", "http"],
  [":authority", "h"],
  [":path", path],
  [":protocol", "websocket"],
];
const CONNECT: [string, string][] = [
  [":method", "CONNECT"],
  [":authority", "some.example:443"],
];

/** Opens a tunnel over HTTP/2. */
async function opened(
  b: Behaviour,
  pseudo: [string, string][],
  headers: [string, string][] = [],
): Promise<{ client: H2Client; tunnel: H2Exchange; text(): string }> {
  const client = await H2Client.connect(b.port);
  const tunnel = client.start({ pseudo, headers: [...headers, ["x-a", "b"]] }, true).read();
  await tunnel.head();
  return { client, tunnel, text: () => Buffer.concat(tunnel.chunks).toString("latin1") };
}

const named = (headers: readonly (readonly [string, string])[]) =>
  headers.filter(([name]) => !["x-request-id", "date"].includes(name)).map((pair) => pair.join("="));

conformance("CONNECT", ({ behaviour, proxy }) => {
  const sink: UpstreamHandler = async (_, { socket }) => void (await once(socket, "close"));

  behaviour(
    "ends here: 200 once there is a connection, then bytes both ways and no time limit",
    { ...hosts, upstream: sink },
    async (b) => {
      const peer = await TcpPeer.connect(b.port);
      peer.write(connecting("x-ends"));
      await until(() => peer.text.endsWith("\r\n\r\n"));
      expect(peer.text.replace(/date: .*\r\n/, "")).toBe("HTTP/1.1 200 OK\r\nserver: envoy\r\n\r\n");
      peer.write("GET /a HTTP/1.1\r\nHost: z\r\n\r\n");
      const { headers } = await b.upstream.request();
      expect(headers).toEqual([["Host", "z"]]);
      // Longer than the route's time limit: that is for requests that are complete.
      await new Promise((resolve) => setTimeout(resolve, 250));
      const [host] = b.upstream.sockets;
      host!.write("answer");
      await until(() => peer.text.endsWith("answer"));
      host!.end("");
      expect(await peer.over()).toBe("ended");
      expect(await outcome(b)).toBe("200 via_upstream 0");
      expect((await b.logged("request")).replace(/x-request-id=.*/, "")).toBe(
        "0 :authority=some.example:443|:method=CONNECT|:scheme=http|x-ends=1|x-forwarded-proto=http|",
      );
      expect(await callbacks(b)).toEqual([
        "request_headers 6 0",
        "request_body 0 0",
        "response_headers 1 0",
        "request_body 28 0",
        "response_body 6 0",
        "response_body 0 1",
        "log",
        "done",
        "delete",
      ]);
      expect(await proxy().stat(`http.${b.id}.downstream_cx_upgrades_total`)).toBe(1);
      expect(await proxy().stat(`http.${b.id}.downstream_cx_upgrades_active`)).toBe(0);
      expect(await proxy().stat(`cluster.${b.id}.upstream_rq_200`)).toBe(1);
      await until(async () => (await proxy().stat(`cluster.${b.id}.upstream_cx_active`)) === 0);
    },
  );

  behaviour("a reset of the host, after what was sent ahead", { ...hosts, upstream: sink }, async (b) => {
    const peer = await TcpPeer.connect(b.port);
    peer.write(connecting("x-ends", "GET /b HTTP/1.1\r\nHost: z\r\n\r\n"));
    await b.upstream.request();
    const [host] = b.upstream.sockets;
    host!.resetAndDestroy();
    expect(await peer.over()).toBe("ended");
    expect(await outcome(b)).toBe("200 upstream_reset_after_response_started{connection_termination} 64");
  });

  behaviour("no host, no route, not allowed, no sense", hosts, async (b) => {
    const ask = async (head: string) => {
      const client = await RawClient.connect(b.port);
      client.write(head);
      const response = await client.response();
      client.close();
      const [details] = (await b.allLogged("details")).slice(-1);
      return `${response.status} ${response.header("connection")} ${details}`;
    };
    const plain = "CONNECT some.example:443 HTTP/1.1\r\n";
    expect([
      await ask(connecting("x-dead")),
      await ask(connecting("x-nothing")),
      await ask(connecting("x-off")),
      await ask("CONNECT some.example HTTP/1.1\r\n\r\n"),
      await ask("CONNECT /path HTTP/1.1\r\n\r\n"),
      await ask(`${plain}Content-Length: 3\r\n\r\nabc`),
      await ask(`${plain}Transfer-Encoding: chunked\r\n\r\n`),
    ]).toEqual([
      "503 close 0 upstream_reset_before_response_started{remote_connection_failure%7Cdelayed_connect_error:_Connection_refused}",
      "404 close 0 route_not_found",
      "403 close 0 upgrade_failed",
      "400 close 0 http1.invalid_url",
      "400 close 0 http1.invalid_url",
      "400 close 0 http1.body_disallowed",
      "501 close 0 http1.invalid_transfer_encoding",
    ]);
  });

  behaviour(
    "forwarded to a host that speaks HTTP/1, granted or refused",
    {
      ...hosts,
      upstream: async (request, reply) => {
        if (request.header("x-a")) return reply.send({ status: 405, body: "no" });
        reply.raw("HTTP/1.1 200 Yes\r\nX-U: 1\r\n\r\nhi");
        reply.socket.on("data", (data: Buffer) => reply.socket.write(`echo:${data}`));
        await once(reply.socket, "close");
      },
    },
    async (b) => {
      const peer = await TcpPeer.connect(b.port);
      peer.write(connecting("x-forward", "ahead"));
      await until(() => peer.text.endsWith("hiecho:ahead"));
      expect(peer.text.replace(/date: .*\r\n/, "")).toBe(
        "HTTP/1.1 200 OK\r\nx-u: 1\r\nserver: envoy\r\n\r\nhiecho:ahead",
      );
      peer.close();
      const request = await b.upstream.request();
      expect(request.startLine).toBe("CONNECT some.example:443 HTTP/1.1");
      expect(request.headers[0]).toEqual(["host", "some.example:443"]);
      expect(await outcome(b)).toBe("200 downstream_remote_disconnect 16384");
      const client = await RawClient.connect(b.port);
      client.write(`${connecting("x-a: 1\r\nx-forward")}ahead`);
      const refusal = await client.response();
      expect([refusal.status, refusal.text]).toEqual([405, "no"]);
      client.close();
    },
  );
});

/** Answers, then closes. */
const closing: UpstreamHandler = (_, reply) => {
  reply.send({ body: "ok" });
  reply.socket.end();
};

conformance("Tunnels over HTTP/2", ({ behaviour, proxy }) => {
  behaviour("an upgrade to a host that speaks HTTP/2 is an extended CONNECT", hosts, async (b) => {
    const peer = await upgraded(b, "hiecho:ahead", `${asking("/h2")}ahead`);
    expect(peer.text.replace(/date: .*\r\n/, "")).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nx-u: 1\r\nupgrade: websocket\r\nconnection: upgrade\r\nserver: envoy\r\n\r\nhiecho:ahead",
    );
    const request = await b.http2.request(0);
    expect(named(request.headers)).toEqual([
      ":authority=h",
      ":path=/h2",
      ":method=CONNECT",
      ":scheme=http",
      ":protocol=websocket",
      "x-a=b",
      "x-forwarded-proto=http",
      "x-envoy-expected-rq-timeout-ms=15000",
    ]);
    peer.write("end");
    expect(await peer.over()).toBe("ended");
    expect(body(peer.text)).toBe("hiecho:aheadbye");
    expect(await outcome(b)).toBe("101 via_upstream 0");
    const response = (await b.logged("response")).replace(/date=[^|]*\|/, "");
    expect(response).toBe("0 :status=101|x-u=1|upgrade=websocket|connection=upgrade");
  });

  behaviour("an extended CONNECT to a host that speaks HTTP/1 is an upgrade", hosts, async (b) => {
    const { client, tunnel, text } = await opened(b, WEBSOCKET("/"));
    expect(named(tunnel.headers)).toEqual([":status=200", "x-u=1", "server=envoy"]);
    tunnel.stream.write("one");
    await until(() => text() === "hiecho:one");
    expect(await proxy().stat(`http.${b.id}.downstream_cx_upgrades_active`)).toBe(1);
    expect(named((await b.upstream.request()).headers)).toEqual([
      "host=h",
      "x-a=b",
      "upgrade=websocket",
      "connection=upgrade",
      "x-forwarded-proto=http",
      "x-envoy-expected-rq-timeout-ms=15000",
    ]);
    expect((await b.logged("request")).replace(/x-request-id=.*/, "")).toBe(
      "0 :method=GET|:scheme=http|:authority=h|:path=/|x-a=b|upgrade=websocket|connection=upgrade|x-forwarded-proto=http|",
    );
    // Half of it: the host is not told, and may still speak.
    tunnel.stream.end("two");
    await until(() => text() === "hiecho:oneecho:two");
    client.close();
    expect(await outcome(b)).toBe("101 downstream_remote_disconnect 16384");
    expect((await callbacks(b)).slice(0, -3)).toEqual([
      "request_headers 9 0",
      "response_headers 4 0",
      "response_body 2 0",
      "request_body 3 0",
      "response_body 8 0",
      "request_body 3 1",
      "response_body 8 0",
    ]);
    await until(() => b.upstream.sockets.size === 0);
    expect(await proxy().stat(`http.${b.id}.downstream_cx_upgrades_active`)).toBe(0);
  });

  behaviour("the host's end resets the stream, and the stream's reset ends the host", hosts, async (b) => {
    const first = await opened(b, WEBSOCKET("/"));
    first.tunnel.stream.write("end");
    expect((await first.tunnel.response()).reset).toBe(10);
    expect(await outcome(b)).toBe("101 upstream_reset_after_response_started{connection_termination} 64");
    await until(() => b.upstream.sockets.size === 0);
    const second = await opened(b, WEBSOCKET("/"));
    second.tunnel.reset();
    await until(async () => (await b.allLogged("details")).at(-1) === "0 http2.remote_reset");
    await until(() => b.upstream.sockets.size === 0);
    first.client.close();
    second.client.close();
  });

  behaviour("both sides HTTP/2: upgrade and CONNECT", hosts, async (b) => {
    for (const [pseudo, header, seen] of [
      [
        WEBSOCKET("/h2"),
        "x-b",
        [":method=CONNECT", ":scheme=http", ":authority=h", ":path=/h2", ":protocol=websocket"],
      ],
      [CONNECT, "x-h2", [":method=CONNECT", ":authority=some.example:443"]],
    ] as const) {
      const at = b.http2.requests.length;
      const { client, tunnel, text } = await opened(b, [...pseudo], [[header, "1"]]);
      expect(tunnel.status).toBe(200);
      tunnel.stream.write("one");
      await until(() => text() === "hiecho:one");
      const request = await b.http2.request(at);
      expect(named(request.headers)).toEqual([
        ...seen,
        `${header}=1`,
        "x-a=b",
        "x-forwarded-proto=http",
        "x-envoy-expected-rq-timeout-ms=15000",
      ]);
      tunnel.stream.write("end");
      const response = await tunnel.response();
      expect(response.text).toBe("hiecho:onebye");
      client.close();
    }
  });

  behaviour("a CONNECT over HTTP/2 that ends here", { ...hosts, upstream: closing }, async (b) => {
    const { client, tunnel } = await opened(b, CONNECT, [["x-ends", "1"]]);
    expect(named(tunnel.headers)).toEqual([":status=200", "server=envoy"]);
    tunnel.stream.end("GET /a HTTP/1.1\r\nHost: z\r\nConnection: close\r\n\r\n");
    await b.upstream.request();
    const response = await tunnel.response();
    expect([response.text.split("\r\n")[0], response.text.endsWith("ok")]).toEqual([
      "HTTP/1.1 200 Scripted",
      true,
    ]);
    expect(await outcome(b)).toBe("200 via_upstream 0");
    client.close();
  });

  behaviour("refused: 403, and the connection ends; a host's refusal passes", hosts, async (b) => {
    const client = await H2Client.connect(b.port);
    const pseudo = WEBSOCKET("/").map(
      ([name, value]) => [name, name === ":protocol" ? "foo" : value] as const,
    );
    const refused = await client.request({ pseudo: pseudo.map(([n, v]) => [n, v]) });
    expect(refused.status).toBe(403);
    await client.closed;
    expect(client.goaways[0]?.code).toBe(0);
    expect(await outcome(b)).toBe("403 upgrade_failed 0");
  });

  behaviour(
    "without allow_connect nobody is told of extended CONNECT",
    { ...hosts, manager: {} },
    async (b) => {
      const client = await H2Client.connect(b.port);
      expect(client.session.remoteSettings.enableConnectProtocol).toBe(false);
      const plain = await client.request({ pseudo: CONNECT });
      expect([plain.status, await outcome(b)]).toEqual([404, "404 route_not_found 256"]);
      client.close();
    },
  );
});
