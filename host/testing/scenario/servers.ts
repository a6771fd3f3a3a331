import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Answer } from "./schema";
import { lines, receive, type SeenMessage, send } from "./wire";

/** A request as a server saw it. */
export interface SeenRequest extends SeenMessage {
  method: string;
  path: string;
}

/** A server on an ephemeral port of the loopback interface that answers in one way, which may be changed. */
export class AnsweringServer {
  answer: Answer = { status: 200, delay_ms: 0 };
  readonly requests: SeenRequest[] = [];

  private constructor(private readonly server: Server) {
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      // A request that is cut is one the scenario does not look at.
      this.serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<AnsweringServer> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return new AnsweringServer(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { answer } = this;
    const seen = await receive(request);
    this.requests.push({ method: request.method!, path: request.url!, ...seen });
    if ("failure" in answer) return fail(response, answer.failure);
    const { status, headers, body, trailers, delay_ms } = answer;
    if (delay_ms > 0) await new Promise((resolve) => setTimeout(resolve, delay_ms));
    response.sendDate = false;
    const { length } = Buffer.from(typeof body === "string" ? body : "");
    const sized = typeof body !== "object" && !trailers && !headers?.["content-length"];
    const all = [...lines(headers), ...(sized ? [["content-length", String(length)] as const] : [])];
    response.writeHead(status, all.flat());
    await send(response, { body, trailers });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

function fail(response: ServerResponse, failure: string): void {
  if (failure === "reset") response.destroy();
  if (failure === "cut") {
    response.writeHead(200, ["content-length", "100"]);
    response.write("part", () => response.socket?.end());
  }
  // A timeout: nothing.
}
