import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { bootstrap, httpListener } from "../support/bootstrap";
import { ENGINE_NAMES } from "../support/engines";
import { hasPrometheusParser, parsePrometheus } from "../support/prometheus";
import { folder } from "./support/folder";
import { proxyWasm, ready } from "./support/program";

const ROUTES = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
const FILE = bootstrap({ listeners: [httpListener({ name: "main", routes: ROUTES })], clusters: [] });

/** An app with metrics of its own; `well` is how it feels. */
async function app(state: { well: boolean }) {
  const metrics =
    '# TYPE app_jobs gauge\napp_jobs{kind="a"} 7\n# TYPE envoy_server_live gauge\nenvoy_server_live 0\n';
  const server = createServer((request, response) => {
    response.statusCode = state.well ? 200 : 500;
    response.end(request.url === "/metrics" ? metrics : "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const engine of ENGINE_NAMES) {
  const missing = engine === "envoy" && !inject("envoy");
  describe.skipIf(missing)(`proxy-wasm run --status [${engine}]`, { timeout: 30_000 }, () => {
    async function start(more: readonly string[] = []) {
      const cwd = folder({ "envoy.json": FILE });
      const program = proxyWasm(["run", "envoy.json", "--engine", engine, "--status", "0", ...more], { cwd });
      await ready(program);
      const [, url] = await program.saw(/status: (http:\S+)\//, "stderr");
      const get = async (path: string, init: RequestInit = {}) => {
        const response = await fetch(url + path, init);
        return { status: response.status, text: await response.text() };
      };
      return { program, get };
    }

    it("health", async () => {
      const state = { well: true };
      const { get } = await start(["--app-health", `web=${await app(state)}/healthz`]);
      expect(await get("/healthz/ready")).toEqual({ status: 200, text: "LIVE\n" });
      expect(await get("/health")).toEqual({ status: 200, text: "ok\n" });
      for (const probe of ["livez", "readyz", "startupz"])
        expect((await get(`/app-health/web/${probe}`)).status).toBe(200);
      state.well = false;
      expect(await get("/app-health/web/livez")).toEqual({ status: 503, text: "the app answers 500\n" });
      expect((await get("/app-health/other/livez")).status).toBe(404);
      expect((await get("/nope")).status).toBe(404);
    });

    it("a file without an admin interface is told of it", async () => {
      const cwd = folder({ "envoy.json": { ...FILE, admin: undefined } });
      const program = proxyWasm(["run", "envoy.json", "--engine", engine, "--status", "0"], { cwd });
      await program.saw(/no admin block, so what --status opened answers every check with 503/, "stderr");
    });

    it.skipIf(!hasPrometheusParser())("one page with the metrics of both", async () => {
      const state = { well: true };
      const { get } = await start(["--app-metrics", `${await app(state)}/metrics`]);
      const value = (text: string, name: string, type?: string) => {
        const samples = parsePrometheus(text).flatMap((family) => family.samples);
        return samples
          .filter((s) => s.name === name && (!type || s.labels.type === type))
          .map((s) => s.value);
      };
      const { text } = await get("/stats/prometheus");
      expect(value(text, "app_jobs")).toEqual([7]);
      // The proxy's, then the app's under the same name.
      expect(value(text, "envoy_server_live")).toEqual([1, 0]);
      expect(value(text, "istio_agent_scrapes_total")).toEqual([1]);
      state.well = false;
      const worse = (await get("/metrics")).text;
      expect(value(worse, "app_jobs")).toEqual([]);
      expect(value(worse, "envoy_server_live")).toEqual([1]);
      expect(value(worse, "istio_agent_scrape_failures_total", "application")).toEqual([1]);
      expect(value(worse, "istio_agent_scrape_failures_total", "envoy")).toEqual([0]);
    });

    it("POST /quitquitquit stops it; pages of other origins cannot", async () => {
      const { program, get } = await start();
      expect((await get("/quitquitquit")).status).toBe(405);
      const origin = { origin: "http://evil.example" };
      expect((await get("/quitquitquit", { method: "POST", headers: origin })).status).toBe(403);
      expect((await get("/quitquitquit", { method: "POST" })).status).toBe(200);
      expect((await program.exit).code).toBe(0);
    });
  });
}
