import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { RunningEngine } from "../../engine";
import { StartError } from "../../errors";
import { isLoopback, refusalOf } from "../../proxy/admin/gate";
import { type Answer, ask } from "./ask";
import { mergeMetrics } from "./merge";
import type { StatusAddress } from "./options";

export interface StatusOptions {
  address: StatusAddress;
  /** The app's own metrics, joined to the proxy's. */
  appMetrics: string | undefined;
  /** The app's own health, by the name under which it is asked here. */
  appHealth: ReadonlyMap<string, string>;
}

const SCRAPES = "istio_agent_scrapes_total";
const FAILURES = "istio_agent_scrape_failures_total";
const TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";
const HEALTH = /^\/app-health\/([\w.-]+)\/(?:livez|readyz|startupz)$/;

type Page = (path: string) => Promise<Answer> | Answer;

/**
 * What stands beside a sidecar on port 15020 of a mesh: health for the kubelet, and the metrics of proxy and app as one page.
 * It asks the proxy's admin interface, so that both engines have it.
 */
export class StatusServer {
  private readonly server: Server;
  private running: RunningEngine | undefined;
  private scrapes = 0;
  private readonly failures = { envoy: 0, application: 0 };
  private readonly pages: Readonly<Record<string, { method: "GET" | "POST"; page: Page }>> = {
    "/health": { method: "GET", page: () => this.health() },
    "/healthz/ready": { method: "GET", page: () => this.ready() },
    "/metrics": { method: "GET", page: () => this.metrics() },
    "/stats/prometheus": { method: "GET", page: () => this.metrics() },
    "/drain": { method: "POST", page: () => this.stop() },
    "/quitquitquit": { method: "POST", page: () => this.stop() },
  };

  constructor(private readonly options: StatusOptions) {
    this.server = createServer((request, response) => {
      response.on("error", () => {});
      request.resume();
      const { host } = this.options.address;
      const refused = refusalOf(request.headersDistinct, isLoopback(host));
      if (refused !== undefined) return write(response, { status: 403, text: `${refused}\n` });
      const path = (request.url ?? "/").replace(/\?.*$/s, "");
      const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
      void this.answer(method, path)
        .catch(() => ({ status: 500, text: "" }))
        .then((answer) => write(response, answer));
    });
    this.server.on("clientError", (_, socket) => socket.destroy());
  }

  /** Binds, and answers the address. Health is 503 until a proxy is followed. */
  async listen(): Promise<string> {
    const { host, port } = this.options.address;
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", (error: NodeJS.ErrnoException) =>
        reject(
          new StartError(`cannot bind the status page to ${host}:${port}: ${error.code ?? error.message}`),
        ),
      );
      this.server.listen({ host, port }, resolve);
    });
    const bound = this.server.address() as AddressInfo;
    return `http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}/`;
  }

  follow(running: RunningEngine): void {
    this.running = running;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(method: string, path: string): Promise<Answer> {
    const known = this.pages[path];
    const probe = HEALTH.exec(path)?.[1];
    if (!known && probe === undefined)
      return { status: 404, text: `${Object.keys(this.pages).join("\n")}\n` };
    if (method !== (known?.method ?? "GET"))
      return { status: 405, text: `${known?.method ?? "GET"} is wanted\n` };
    return known ? known.page(path) : this.appHealth(probe!);
  }

  private async admin(path: string): Promise<Answer | undefined> {
    const admin = this.running?.admin;
    if (!admin) return undefined;
    // An address that stands for all of this machine's is reached through loopback.
    const host = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[admin.host] ?? admin.host;
    return ask(
      `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${admin.port}${path}`,
    );
  }

  /** Up, whether it takes new traffic or not. */
  private async health(): Promise<Answer> {
    const answer = await this.admin("/server_info");
    return answer?.status === 200 ? { status: 200, text: "ok\n" } : { status: 503, text: "no proxy\n" };
  }

  private async ready(): Promise<Answer> {
    const answer = await this.admin("/ready");
    const text = answer?.text || "no proxy\n";
    return { status: answer?.status === 200 ? 200 : 503, text };
  }

  private async metrics(): Promise<Answer> {
    this.scrapes++;
    const { appMetrics } = this.options;
    const [proxy, app] = await Promise.all([
      this.admin("/stats/prometheus"),
      // The format that can be joined; apps that speak OpenMetrics give this one as well.
      appMetrics === undefined ? undefined : ask(appMetrics, "text/plain;version=0.0.4"),
    ]);
    if (proxy?.status !== 200) this.failures.envoy++;
    if (appMetrics !== undefined && app?.status !== 200) this.failures.application++;
    const texts = [proxy, app].filter((each) => each?.status === 200).map((each) => each!.text);
    return { status: 200, text: mergeMetrics([this.own(), ...texts]) };
  }

  /** What Istio's agent says of its scrapes. */
  private own(): string {
    const { envoy, application } = this.failures;
    return [
      `# TYPE ${SCRAPES} counter`,
      `${SCRAPES} ${this.scrapes}`,
      `# TYPE ${FAILURES} counter`,
      `${FAILURES}{type="envoy"} ${envoy}`,
      `${FAILURES}{type="application"} ${application}`,
    ].join("\n");
  }

  private async appHealth(name: string): Promise<Answer> {
    const url = this.options.appHealth.get(name);
    if (url === undefined) return { status: 404, text: `no --app-health ${name}=URL\n` };
    const answer = await ask(url);
    const good = answer !== undefined && answer.status >= 200 && answer.status < 400;
    return good
      ? { status: 200, text: "ok\n" }
      : { status: 503, text: `the app answers ${answer?.status ?? "nothing"}\n` };
  }

  private stop(): Answer {
    void this.running?.stop();
    return { status: 200, text: "ok\n" };
  }
}

function write(response: ServerResponse, { status, text }: Answer): void {
  response.writeHead(status, {
    "content-type": TEXT_FORMAT,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(text);
}
