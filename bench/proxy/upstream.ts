import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { LARGE, SMALL } from "./traffic";

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** The app behind every subject, in HTTP/1.1 and in HTTP/2 without TLS; it answers when it has read the whole request. */
export async function startUpstream(): Promise<{ http1: number; http2: number }> {
  const serve = (request: Request, response: Response) => {
    request.resume();
    request.once("end", () => answer(request.url ?? "", response));
  };
  const http1 = createServer({ keepAliveTimeout: 0, noDelay: true }, serve);
  const http2 = createHttp2(serve);
  return { http1: await bound(http1), http2: await bound(http2) };
}

function bound(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
}

function answer(path: string, response: Response): void {
  // One signature for both versions of HTTP.
  const to = response as ServerResponse;
  if (path.startsWith("/bench.")) {
    to.writeHead(200, { "content-type": "application/grpc", ...(to.req.httpVersionMajor === 1 && TRAILER) });
    to.addTrailers({ "grpc-status": "0", "grpc-message": "" });
    to.end(MESSAGE);
    return;
  }
  const body = path === "/large" ? LARGE : SMALL;
  to.writeHead(200, {
    "content-type": "application/json",
    "content-length": String(body.length),
    "cache-control": "no-store",
    "x-app": "bench",
  });
  to.end(body);
}

const TRAILER = { trailer: "grpc-status" };
const MESSAGE = Buffer.concat([Buffer.from([0, 0, 0, 0, 100]), Buffer.alloc(100, "m")]);
