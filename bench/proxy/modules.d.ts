declare module "fast-proxy" {
  import type { IncomingMessage, ServerResponse } from "node:http";
  export default function fastProxy(options: { base: string; undici?: object }): {
    proxy(request: IncomingMessage, response: ServerResponse, source: string, options: object): void;
  };
}

declare module "http2-proxy" {
  import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

  const proxy: {
    web(
      request: Http2ServerRequest,
      response: Http2ServerResponse,
      options: { hostname: string; port: number },
    ): Promise<void>;
  };
  export default proxy;
}
