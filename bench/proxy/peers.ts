import { createServer } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import fastProxy from "fast-proxy";
import http2Proxy from "http2-proxy";

const HOST = "127.0.0.1";

function bound(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, HOST, () => resolve((server.address() as AddressInfo).port)),
  );
}

/** fast-proxy as its README sets it up; `undici`: with the client that it calls the faster one. */
export function startFastProxy(upstream: number, undici: boolean): Promise<number> {
  const base = `http://${HOST}:${upstream}`;
  const { proxy } = fastProxy(undici ? { base, undici: { connections: 100, pipelining: 10 } } : { base });
  // Connections wait while others are measured.
  const options = { keepAliveTimeout: 0 };
  return bound(
    createServer(options, (request, response) => proxy(request, response, request.url ?? "/", {})),
  );
}

/** http2-proxy, whose own clients speak HTTP/1.1 only. */
export function startHttp2Proxy(upstream: number): Promise<number> {
  const options = { hostname: HOST, port: upstream };
  return bound(
    createHttp2((request, response) => {
      http2Proxy.web(request, response, options).catch(() => response.stream?.close());
    }),
  );
}
