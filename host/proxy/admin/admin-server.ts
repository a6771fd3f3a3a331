import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { LogLevel } from "../../../sdk/abi/log-level";
import type { AddressConfig, Bootstrap } from "../../config/model";
import { hostBug } from "../../errors";
import type { Logger } from "../../log";
import type { ClusterManager } from "../clusters/cluster-manager";
import { closeAfterFlush } from "../downstream/http1/delayed-close";
import { refusalOfError } from "../downstream/http1/refusal";
import { rawReply, unreadReply } from "../downstream/http1/response-writer";
import { reasonPhrase } from "../downstream/reason-phrases";
import { httpDate } from "../downstream/response-headers";
import { listen } from "../listen";
import type { Listener } from "../listener";
import type { StatsStore } from "../stats/store";
import type { TagExtraction } from "../stats/tags";
import { COMMANDS, helpText, indexPage } from "./commands";
import { isLoopback, refusalOf } from "./gate";

/** What the admin pages show. */
export interface AdminState {
  readonly bootstrap: Bootstrap;
  readonly store: StatsStore;
  readonly tags: TagExtraction;
  readonly clusters: ClusterManager;
  readonly listeners: readonly Listener[];
  readonly log: Logger;
  readonly startedAt: number;
  /** Where the file came from, and how it was called. */
  readonly options: { configPath: string; concurrency: number };
  state(): "LIVE" | "DRAINING" | "PRE_INITIALIZING" | "INITIALIZING";
  /** Brings numbers that are only read now and then (uptime, memory) up to date. */
  refreshStats(): void;
  /** POST /healthcheck/fail and /healthcheck/ok. */
  failHealth(failed: boolean): void;
  /** POST /quitquitquit. */
  /** Access logs go to what has their paths now. */
  reopenLogs(): void;
  quit(): void;
}

export interface AdminReply {
  status?: number;
  contentType?: string;
  body: string;
}

export type AdminQuery = ReadonlyMap<string, string>;

/** Answers one admin path. */
export type AdminHandler = (state: AdminState, query: AdminQuery) => AdminReply;

/** Envoy decodes admin query values; a parameter given twice counts as first given. */
function parseQuery(text: string): AdminQuery {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) if (!query.has(name)) query.set(name, value);
  return query;
}

/** Envoy's defaults. */
const MAX_HEADER_BYTES = 60 * 1024;
const MAX_HEADERS = 100;

const OPTIONS = { requireHostHeader: false, noDelay: true, maxHeaderSize: MAX_HEADER_BYTES };

/** Bytes that are no HTTP, or too much of it. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  // Half a request and the end of the connection is no request at all.
  if (!error.code?.startsWith("HPE_") || error.code === "HPE_INVALID_EOF_STATE" || !socket.writable) {
    socket.destroy();
    return;
  }
  refuse(refusalOfError(error).status, socket);
}

/** The last answer on a connection. */
function refuse(status: number, socket: Socket): void {
  const body = reasonPhrase(status);
  socket.write(rawReply(unreadReply(status, [["server", "envoy"]], body), body), "latin1");
  closeAfterFlush(socket);
}

/** The admin port. */
export class AdminServer {
  private readonly server: Server;
  address: { host: string; port: number };

  constructor(
    private readonly config: AddressConfig,
    private readonly state: AdminState,
  ) {
    this.address = { host: config.address, port: config.port };
    this.server = createServer(OPTIONS, (request, response) => {
      request.resume();
      request.on("error", () => {});
      response.on("error", () => {});
      if (request.httpVersion !== "1.1") return refuse(426, request.socket);
      if (request.rawHeaders.length / 2 > MAX_HEADERS) return refuse(431, request.socket);
      const refused = refusalOf(request.headersDistinct, isLoopback(this.address.host));
      if (refused !== undefined) return this.write(response, { status: 403, body: `${refused}\n` });
      this.answer(request.method ?? "GET", request.url ?? "/", response);
    });
    this.server.on("connection", (socket) => socket.on("error", () => {}));
    this.server.maxHeadersCount = 0;
    this.server.on("clientError", (error, socket) => refuseBytes(error, socket as Socket));
  }

  async listen(): Promise<void> {
    await listen(this.server, this.config, "the admin address");
    const bound = this.server.address() as AddressInfo;
    this.address = { host: bound.address, port: bound.port };
  }

  private answer(method: string, url: string, response: ServerResponse): void {
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = parseQuery(mark < 0 ? "" : url.slice(mark + 1));
    this.write(response, this.safeReply(method, path, query));
  }

  /** A defect of this host spoils its page alone. */
  private safeReply(method: string, path: string, query: AdminQuery): AdminReply {
    try {
      return this.reply(method, path, query);
    } catch (error) {
      const { log } = this.state;
      log.log(
        "admin",
        LogLevel.Critical,
        "host/proxy/admin/admin-server.ts",
        hostBug(`the page ${path}`, error),
      );
      return { status: 500, body: "" };
    }
  }

  private reply(method: string, path: string, query: AdminQuery): AdminReply {
    const command = COMMANDS.find((c) => c.path === path);
    if (path === "/") return { contentType: "text/html; charset=UTF-8", body: indexPage() };
    if (!command) return { status: 404, body: `invalid path. ${helpText()}` };
    if (command.post && method !== "POST") {
      return { status: 405, body: `Method ${method} not allowed, POST required.` };
    }
    return command.handler(this.state, query);
  }

  private write(response: ServerResponse, reply: AdminReply): void {
    const status = reply.status ?? 200;
    response.sendDate = false;
    response.removeHeader("connection");
    response.writeHead(status, reasonPhrase(status), [
      "content-type",
      reply.contentType ?? "text/plain; charset=UTF-8",
      "cache-control",
      "no-cache, max-age=0",
      "x-content-type-options",
      "nosniff",
      "date",
      httpDate(),
      "server",
      "envoy",
      "transfer-encoding",
      "chunked",
    ]);
    response.end(reply.body, "latin1");
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
