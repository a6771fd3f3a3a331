import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer as createHttp2, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import { WebSocketServer } from "ws";
import { GrpcServer } from "../../support/grpc-server";

/** A server of one protocol that sends back what it is sent. */
export interface EchoServer {
  port: number;
  close(): Promise<void>;
}

async function listening(server: Server, before: () => void = () => {}): Promise<EchoServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      before();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** HTTP/1.1 and WebSockets; the answer names the request's token. */
export function http1Server(): Promise<EchoServer> {
  const server = createHttp((request, response) => {
    response.on("error", () => {});
    request.on("error", () => {});
    response.writeHead(200, { "x-token": request.headers["x-token"] ?? "" });
    request.pipe(response);
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  return listening(server, () => {
    for (const socket of sockets.clients) socket.terminate();
  });
}

/** HTTP/2 with prior knowledge. */
export function http2Server(): Promise<EchoServer> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "x-token": headers["x-token"] ?? "" });
    stream.pipe(stream);
  });
  return listening(server, () => {
    for (const session of sessions) session.destroy();
  });
}

export function tcpServer(): Promise<EchoServer> {
  return listening(createTcp({ allowHalfOpen: true, noDelay: true }, (socket) => socket.pipe(socket)));
}

/** `chaos.Echo`, calls and streams. */
export async function grpcServer(): Promise<EchoServer> {
  const server = await GrpcServer.start("chaos.Echo", {
    unary: { Say: ({ request }, done) => done(null, request) },
    talks: {
      Talk: (call) => {
        call.on("error", () => {});
        call.on("data", (message) => call.write(message));
        call.on("end", () => call.end());
      },
    },
  });
  return { port: server.port, close: async () => server.close() };
}
