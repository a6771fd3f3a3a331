import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, vi } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";
import { grpcFrame } from "../../support/grpc-wire";
import type { Http2Handler } from "../../support/http2-upstream";

/** Checks follow each other fast, with traffic or without. */
const SOON: Json = {
  timeout: "1s",
  interval: "0.02s",
  no_traffic_interval: "0.02s",
  unhealthy_threshold: 2,
  healthy_threshold: 1,
};
const WAIT = { timeout: 5000, interval: 20 };
const hex = (text: string) => ({ text: Buffer.from(text).toString("hex") });

const cleanups: (() => unknown)[] = [];
afterAll(() => Promise.all(cleanups.map((each) => each())));

/** A server of bytes; `answer` is asked for every chunk. */
class ByteServer {
  readonly received: string[] = [];
  connections = 0;
  answer: (socket: Socket, data: string) => void = () => {};
  greet: (socket: Socket) => void = () => {};
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ByteServer> {
    const server = createServer();
    const made = new ByteServer(server);
    server.on("connection", (socket) => {
      made.connections++;
      made.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => made.sockets.delete(socket));
      socket.on("data", (data) => {
        made.received.push(data.toString("latin1"));
        made.answer(socket, data.toString("latin1"));
      });
      made.greet(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => {
      server.close();
      for (const socket of made.sockets) socket.destroy();
    });
    return made;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
}

const servers = await Promise.all(Array.from({ length: 20 }, () => ByteServer.start()));
const logs = await mkdtemp(join(tmpdir(), "health-log-"));
cleanups.push(() => rm(logs, { recursive: true, force: true }));

conformance(
  "Health checks over TCP and gRPC",
  ({ behaviour, proxy, engine }) => {
    const stat = (b: Behaviour, name: string, more = "") =>
      proxy().stat(`cluster.${b.id}${more}.health_check.${name}`);
    const flags = async (b: Behaviour, more = "") => {
      const text = await proxy().admin(`/clusters?filter=^${b.id}${more}$`);
      return /::health_flags::(.*)/.exec(text)?.[1];
    };
    const becomes = (b: Behaviour, flag: string, more = "") =>
      vi.waitFor(async () => expect(await flags(b, more)).toBe(flag), WAIT);
    const reaches = (b: Behaviour, name: string, least: number, more = "") =>
      vi.waitFor(async () => expect(await stat(b, name, more)).toBeGreaterThanOrEqual(least), WAIT);

    /** A behaviour whose host is a server of bytes of its own. */
    function tcp(
      name: string,
      check: Json,
      run: (b: Behaviour, server: ByteServer) => Promise<void>,
      more: Json = {},
    ) {
      const server = servers.pop()!;
      behaviour(
        name,
        {
          cluster: {
            health_checks: [{ ...SOON, tcp_health_check: check, ...more }],
            load_assignment: {
              cluster_name: "any",
              endpoints: [
                {
                  lb_endpoints: [
                    {
                      endpoint: {
                        address: { socket_address: { address: "127.0.0.1", port_value: server.port } },
                      },
                    },
                  ],
                },
              ],
            },
          },
        },
        (b) => run(b, server),
      );
    }

    tcp("a connection is enough, and closed at once", {}, async (b, server) => {
      await becomes(b, "healthy");
      await reaches(b, "attempt", 3);
      expect(server.connections).toBeGreaterThanOrEqual(2);
      expect(server.received).toEqual([]);
    });

    tcp(
      "what is to be sent is not sent when nothing is to come",
      { send: hex("hello") },
      async (b, server) => {
        await becomes(b, "healthy");
        await reaches(b, "success", 3);
        expect(server.received).toEqual([]);
      },
    );

    tcp(
      "what comes has to contain all parts in order; the connection is kept",
      { send: hex("ping"), receive: [hex("po"), hex("ng")] },
      async (b, server) => {
        server.answer = (socket) => socket.write("+po-ng+");
        await becomes(b, "healthy");
        await reaches(b, "success", 4);
        const { connections } = server;
        await reaches(b, "success", (await stat(b, "success")) + 3);
        expect(server.connections).toBe(connections);
        expect(new Set(server.received)).toEqual(new Set(["ping"]));
        server.answer = (socket) => socket.write("ng po");
        await becomes(b, "/failed_active_hc/active_hc_timeout");
        server.answer = (socket) => socket.destroy();
        await becomes(b, "/failed_active_hc");
        server.answer = (socket) => {
          socket.write("p");
          setTimeout(() => socket.write("o--ng"), 5);
        };
        await becomes(b, "healthy");
      },
      { timeout: "0.2s" },
    );

    tcp(
      "a connection for each check",
      { send: hex("ping"), receive: [hex("pong")] },
      async (b, server) => {
        server.answer = (socket) => socket.write("pong");
        await becomes(b, "healthy");
        await reaches(b, "success", 4);
        expect(server.connections).toBeGreaterThanOrEqual(4);
      },
      { reuse_connection: false },
    );

    tcp(
      "bytes in base64",
      {
        send: { binary: Buffer.from([0, 255, 1]).toString("base64") },
        receive: [{ binary: Buffer.from([7, 0]).toString("base64") }],
      },
      async (b, server) => {
        server.greet = (socket) => socket.write(Buffer.from([1, 7, 0, 9]));
        server.answer = (socket) => socket.write(Buffer.from([1, 7, 0, 9]));
        await becomes(b, "healthy");
        expect(server.received).toEqual([]);
      },
      { reuse_connection: false },
    );

    tcp(
      "nobody answers",
      { send: hex("ping"), receive: [hex("pong")] },
      async (b) => {
        await becomes(b, "/failed_active_hc/active_hc_timeout");
        expect(await stat(b, "network_failure")).toBeGreaterThan(0);
      },
      { timeout: "0.1s" },
    );

    // --- gRPC

    const SERVING = Buffer.from([8, 1]);
    function grpc(
      name: string,
      check: Json,
      run: (b: Behaviour, answer: (handler: Http2Handler) => void) => Promise<void>,
      more: Json = {},
    ) {
      let handler: Http2Handler = answerWith(SERVING);
      behaviour(
        name,
        {
          http2: async (request) => {
            await request.ended();
            // The proxy may be gone by now.
            if (!request.stream.destroyed) await handler(request);
          },
          http2Cluster: { health_checks: [{ ...SOON, grpc_health_check: check, ...more }] },
        },
        (b) =>
          run(b, (wanted) => {
            handler = wanted;
          }),
      );
    }

    /** An answer with these messages, and trailers. */
    function answerWith(...messages: Buffer[]): Http2Handler {
      return ({ stream }) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        for (const message of messages) stream.write(grpcFrame(message));
        stream.end();
      };
    }

    grpc(
      "grpc.health.v1: what is asked",
      {
        service_name: "shop",
        authority: "its.name",
        initial_metadata: [{ header: { key: "x-a", value: "1" } }],
      },
      async (b) => {
        await becomes(b, "healthy", "-h2");
        const [request] = b.http2.requests;
        expect(Object.fromEntries(request!.headers)).toEqual({
          ":method": "POST",
          ":path": "/grpc.health.v1.Health/Check",
          ":authority": "its.name",
          ":scheme": "http",
          te: "trailers",
          "content-type": "application/grpc",
          "user-agent": "Envoy/HC",
          "grpc-timeout": "1000m",
          "x-a": "1",
        });
        expect((await request!.ended()).toString("latin1")).toBe("\0\0\0\0\x06\n\x04shop");
        await reaches(b, "success", 4, "-h2");
        expect(b.http2.requests.at(-1)!.connection).toBe(request!.connection);
      },
    );

    grpc("without a name the server as a whole is asked, by the name of the cluster", {}, async (b) => {
      await becomes(b, "healthy", "-h2");
      const [request] = b.http2.requests;
      expect(request!.header(":authority")).toBe(`${b.id}-h2`);
      expect((await request!.ended()).length).toBe(5);
    });

    grpc("what makes a host fail", {}, async (b, answer) => {
      const good = answerWith(SERVING);
      const trailers =
        (more: Record<string, string>): Http2Handler =>
        ({ stream }) => {
          stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
          stream.once("wantTrailers", () => stream.sendTrailers(more));
          stream.end(grpcFrame(SERVING));
        };
      const bad: Record<string, Http2Handler> = {
        "not serving": answerWith(Buffer.from([8, 2])),
        unknown: answerWith(Buffer.alloc(0)),
        "no message": answerWith(),
        two: answerWith(SERVING, SERVING),
        "no protobuf": answerWith(Buffer.from([0xff])),
        "another status": trailers({ "grpc-status": "12" }),
        "no status": trailers({ "x-a": "1" }),
        "no trailers": ({ stream }) => {
          stream.respond({ ":status": 200, "content-type": "application/grpc" });
          stream.end(grpcFrame(SERVING));
        },
        "trailers only": ({ stream }) =>
          stream.respond(
            { ":status": 200, "content-type": "application/grpc", "grpc-status": "0" },
            { endStream: true },
          ),
        "another type": ({ stream }) => {
          stream.respond({ ":status": 200, "content-type": "text/plain" });
          stream.end("ok");
        },
        "503": ({ stream }) => stream.respond({ ":status": 503 }, { endStream: true }),
      };
      for (const [name, handler] of Object.entries(bad)) {
        answer(good);
        await becomes(b, "healthy", "-h2");
        answer(handler);
        await vi.waitFor(
          async () => expect([name, await flags(b, "-h2")]).toEqual([name, "/failed_active_hc"]),
          WAIT,
        );
      }
      expect(await stat(b, "network_failure", "-h2")).toBe(0);
      answer(good);
      await becomes(b, "healthy", "-h2");
      answer(({ stream }) => stream.close(2));
      await reaches(b, "network_failure", 2, "-h2");
      await becomes(b, "/failed_active_hc", "-h2");
    });

    behaviour(
      "HTTP/2 checks of a cluster that speaks HTTP/1.1",
      {
        http2: ({ stream }) => stream.respond({ ":status": 200 }, { endStream: true }),
        http2Cluster: {
          typed_extension_protocol_options: {},
          health_checks: [{ ...SOON, http_health_check: { path: "/health", codec_client_type: "HTTP2" } }],
        },
      },
      async (b) => {
        await becomes(b, "healthy", "-h2");
        expect(Object.fromEntries(b.http2.requests[0]!.headers)).toEqual({
          ":method": "GET",
          ":path": "/health",
          ":authority": `${b.id}-h2`,
          ":scheme": "http",
          "user-agent": "Envoy/HC",
        });
      },
    );

    // --- events

    const log = join(logs, `${engine.name}.log`);
    const sink = {
      name: "envoy.health_check.event_sink.file",
      typed_config: {
        "@type":
          "type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink",
        event_log_path: log,
      },
    };
    /** The shapes of what the log says of a cluster. */
    async function events(b: Behaviour): Promise<string[]> {
      const text = await readFile(log, "utf8");
      const lines = text.split("\n").filter((line) => line.includes(`"cluster_name":"${b.id}"`));
      for (const line of lines)
        expect(new Date((JSON.parse(line) as { timestamp: string }).timestamp).getTime()).toBeGreaterThan(0);
      return lines.map((line) =>
        line
          .replace(/"timestamp":"[^"]*"/, "TIME")
          .replace(/"port_value":\d+/, "PORT")
          .replace(b.id, "NAME"),
      );
    }
    const event = (before: string, after = "", last = "", type = "HTTP") =>
      `{"health_checker_type":"${type}","host":{"socket_address":{"protocol":"TCP","address":"127.0.0.1",PORT,"resolver_name":"","ipv4_compat":false,"network_namespace_filepath":""}},"cluster_name":"NAME",${before}TIME,${after}"locality":{"region":"","zone":"","sub_zone":""}${last}}`;

    let status = 200;
    let extra: [string, string][] = [];
    behaviour(
      "the log of what changes",
      {
        upstream: (_, reply) => reply.send({ status, headers: extra }),
        cluster: { health_checks: [{ ...SOON, http_health_check: { path: "/" }, event_logger: [sink] }] },
      },
      async (b) => {
        await becomes(b, "healthy");
        status = 500;
        await becomes(b, "/failed_active_hc");
        status = 200;
        await becomes(b, "healthy");
        extra = [["x-envoy-degraded", ""]];
        await becomes(b, "/degraded_active_hc");
        extra = [];
        await becomes(b, "healthy");
        await vi.waitFor(async () => expect(await events(b)).toHaveLength(5), WAIT);
        expect(await events(b)).toEqual([
          event('"add_healthy_event":{"first_check":true},'),
          event('"eject_unhealthy_event":{"failure_type":"ACTIVE","http_status_code":500},'),
          event('"add_healthy_event":{"first_check":false},'),
          event("", '"degraded_healthy_host":{},'),
          event("", '"no_longer_degraded_host":{},'),
        ]);
      },
    );

    behaviour(
      "the log of a host that is not there",
      { dead: true, cluster: { health_checks: [{ ...SOON, tcp_health_check: {}, event_logger: [sink] }] } },
      async (b) => {
        await reaches(b, "failure", 3);
        await vi.waitFor(async () => expect(await events(b)).toHaveLength(1), WAIT);
        expect(await events(b)).toEqual([
          event(
            "",
            '"health_check_failure_event":{"failure_type":"NETWORK","first_check":true,"http_status_code":0},',
            "",
            "TCP",
          ),
        ]);
      },
    );

    let good = true;
    behaviour(
      "the log of every check",
      {
        upstream: (_, reply) => reply.send({ status: good ? 200 : 503 }),
        cluster: {
          health_checks: [
            {
              ...SOON,
              http_health_check: { path: "/" },
              event_logger: [sink],
              always_log_health_check_failures: true,
              always_log_health_check_success: true,
            },
          ],
        },
      },
      async (b) => {
        await reaches(b, "success", 2);
        good = false;
        await reaches(b, "failure", 2);
        await vi.waitFor(async () => expect((await events(b)).length).toBeGreaterThan(4), WAIT);
        expect([...new Set(await events(b))]).toEqual([
          event('"add_healthy_event":{"first_check":true},'),
          event("", "", ',"successful_health_check_event":{}'),
          event('"eject_unhealthy_event":{"failure_type":"ACTIVE","http_status_code":503},'),
          event(
            "",
            '"health_check_failure_event":{"failure_type":"ACTIVE","first_check":false,"http_status_code":503},',
          ),
        ]);
      },
    );
  },
  { logFlushMs: 20 },
);
