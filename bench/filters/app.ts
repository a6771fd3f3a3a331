import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

const ANSWER = Buffer.from(
  "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok",
  "latin1",
);

/** An app that answers whatever ends a head, always the same. */
export async function startApp(): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (data.subarray(-4).equals(END)) socket.write(ANSWER);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

const END = Buffer.from("\r\n\r\n");
