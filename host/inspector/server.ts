import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { StartError, UsageError } from "../errors";
import { readAssets } from "./assets";
import { Feed } from "./feed";
import type { Inspector } from "./inspector";
import { ROUTES } from "./routes";

/** Nothing but the page's own files and answers may act in it. */
const SECURITY = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/** What an API handler answers. */
export interface Answer {
  status?: number;
  type?: string;
  /** Makes the browser save the body under this name. */
  file?: string;
  body: string;
}

/**
 * The inspector's page and its JSON, for this machine's user alone: bound to loopback, deaf to other origins' pages and to
 * names that lead here by DNS.
 */
export class InspectorServer {
  private readonly server: Server;
  private readonly assets = readAssets();
  private readonly feed: Feed;

  constructor(private readonly inspector: Inspector) {
    this.feed = new Feed(inspector.recorder);
    this.server = createServer((request, response) => {
      response.on("error", () => {});
      request.resume();
      void this.serve(request, response).catch((error: unknown) => {
        const known = error instanceof UsageError || error instanceof StartError;
        this.write(response, {
          status: known ? 409 : 500,
          body: error instanceof Error ? error.message : "",
        });
      });
    });
    this.server.on("clientError", (_, socket) => socket.destroy());
  }

  /** Binds and answers the page's address. @param port 0 = a free one */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", (error: NodeJS.ErrnoException) =>
        reject(
          new StartError(`the inspector cannot listen on 127.0.0.1:${port}: ${error.code ?? error.message}`),
        ),
      );
      this.server.listen(port, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${this.port}/`;
  }

  private get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.trusted(request))
      return this.write(response, { status: 403, body: "only for this page itself\n" });
    const { pathname: path } = new URL(request.url ?? "/", "http://inspector");
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (method === "GET" && path === "/api/events") return this.feed.join(response, SECURITY);
    const asset = method === "GET" ? this.assets.get(path) : undefined;
    if (asset) return this.write(response, asset);
    for (const route of ROUTES) {
      const match = route.method === method && route.path.exec(path);
      if (match) return this.write(response, await route.answer(this.inspector, match[1] ?? ""));
    }
    this.write(response, { status: 404, body: "no such page\n" });
  }

  /** Is it our own page that asks, or a program of this machine? Whatever changes something has to say so. */
  private trusted({ headers, method }: IncomingMessage): boolean {
    const hosts = [`127.0.0.1:${this.port}`, `localhost:${this.port}`];
    if (!hosts.includes(headers.host ?? "")) return false;
    if (headers.origin !== undefined && !hosts.some((host) => headers.origin === `http://${host}`))
      return false;
    return method === "GET" || method === "HEAD" || headers["x-inspector"] !== undefined;
  }

  private write(response: ServerResponse, { status = 200, type, file, body }: Answer): void {
    if (response.headersSent) return;
    response.writeHead(status, {
      "content-type": type ?? "text/plain; charset=utf-8",
      ...(file && { "content-disposition": `attachment; filename="${file}"` }),
      ...SECURITY,
    });
    response.end(body);
  }

  close(): void {
    this.feed.close();
    this.server.close();
    this.server.closeAllConnections();
  }
}
