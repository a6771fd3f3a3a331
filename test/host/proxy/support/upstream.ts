import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";

export interface Upstream {
  port: number;
  server: Server;
  close(): Promise<void>;
}

/** An HTTP server on an ephemeral port. */
export async function httpUpstream(handler: RequestListener): Promise<Upstream> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handler);
  server.on("connection", (socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 4096, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A server that answers every connection's bytes as the test wants. */
export async function tcpUpstream(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 4096, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Answers with what it received: method, target, raw headers, body, trailers, as JSON. */
export const echo: RequestListener = (request, response) => {
  void readBody(request).then((body) => {
    const seen = {
      method: request.method,
      url: request.url,
      headers: request.rawHeaders,
      body: body.toString("latin1"),
      trailers: request.rawTrailers,
    };
    response.end(JSON.stringify(seen));
  });
};
