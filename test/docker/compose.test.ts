import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Answer, Mesh } from "./support/mesh";

const docker = inject("docker");

/** Requests of one pod to the other, through both sidecars, and where they pass. */
interface Way {
  title: string;
  from: "client" | "httpd";
  to: "httpd" | "client";
  get(path: string, ...headers: string[]): Promise<Answer>;
  page: string;
}

describe.skipIf(!docker)("a mesh of two pods in containers", () => {
  let mesh: Mesh;
  beforeAll(async () => {
    const began = performance.now();
    mesh = await Mesh.up(docker!);
    console.log(`compose: four containers ready in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }, 120_000);
  afterAll(() => mesh?.down(), 60_000);

  /** Through the outbound port of the httpd pod, as httpd itself does not send requests. */
  async function throughHttpdPod(path: string, ...headers: string[]): Promise<Answer> {
    const pairs = headers.map((header) => header.split(":") as [string, string]);
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const options = { path, headers: { host: "client", ...Object.fromEntries(pairs) }, agent: false };
      request(mesh.url("httpd", 15001), options, async (response) => {
        const body = await text(response);
        const ms = performance.now() - began;
        resolve({ status: response.statusCode!, headers: response.headers as never, body, ms });
      })
        .once("error", reject)
        .end();
    });
  }

  const ways: Way[] = [
    {
      title: "client -> Node sidecar -> Envoy sidecar -> Apache httpd",
      from: "client",
      to: "httpd",
      get: (path, ...headers) => mesh.clientGets("httpd", path, ...headers),
      page: "hello page of httpd\n",
    },
    {
      title:
        "Envoy sidecar -> Node sidecar -> Node app: the same file and modules with the engines' roles reversed",
      from: "httpd",
      to: "client",
      get: throughHttpdPod,
      page: "hello from the app\n",
    },
  ];

  describe.each(ways)("$title", ({ from, to, get, page }) => {
    const counted = async (pod: string, direction: string) =>
      Number(
        /: (\d+)/.exec(await mesh.admin(pod, `/stats?filter=^http.${direction}.downstream_rq_total`))?.[1] ??
          0,
      );

    it("passes both sidecars", async () => {
      const before = [await counted(from, "outbound"), await counted(to, "inbound")];
      expect(await get("/hello")).toMatchObject({ status: 200, body: page, headers: { server: "envoy" } });
      const after = [await counted(from, "outbound"), await counted(to, "inbound")];
      expect(after).toEqual(before.map((n) => n + 1));
    });

    it("fault ends requests in the caller's sidecar", async () => {
      const before = await counted(to, "inbound");
      expect(await get("/flaky")).toMatchObject({ status: 503, body: "fault filter abort" });
      expect(await counted(to, "inbound")).toBe(before);
    });

    it("fault delays requests", async () => {
      const { status, ms } = await get("/slow");
      expect(status).toBe(200);
      expect(ms).toBeGreaterThanOrEqual(300);
    });

    it("authz refuses requests in the sidecar of the app that they are for", async () => {
      const before = await counted(to, "inbound");
      expect(await get("/private")).toMatchObject({ status: 403, body: "RBAC: access denied" });
      expect(await counted(to, "inbound")).toBe(before + 1);
      expect(await get("/private", "x-role:admin")).toMatchObject({ status: 200 });
    });

    it("authz knows who calls by the certificate of the caller's sidecar", async () => {
      const { status, body } = await get("/orders");
      if (from === "client") expect([status, body]).toEqual([200, "orders page of httpd\n"]);
      else expect([status, body]).toEqual([403, "RBAC: access denied"]);
    });

    it("both sidecars count", async () => {
      /** Labels of interest of the series that a sidecar has. */
      const series = async (pod: string) => {
        const page = await mesh.admin(pod, "/stats/prometheus");
        const labels = [...page.matchAll(/^istio_requests_total\{([^}]*)\} [1-9]/gm)].map(([, text]) =>
          Object.fromEntries(
            [...text!.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]),
          ),
        );
        return labels.map((of) =>
          [of.reporter, of.destination_service, of.response_code, of.source_principal].join(" "),
        );
      };
      const caller = `spiffe://cluster.local/ns/default/sa/${from}`;
      const soon = { timeout: 8000, interval: 100 };
      await expect
        .poll(() => series(from), soon)
        // Of a request that was never sent there is no certificate to speak of.
        .toEqual(
          expect.arrayContaining([
            `source ${to} 200 ${caller}`,
            `source ${to} 403 ${caller}`,
            `source ${to} 503 unknown`,
          ]),
        );
      await expect
        .poll(() => series(to), soon)
        .toEqual(expect.arrayContaining([200, 403].map((code) => `destination ${to} ${code} ${caller}`)));
      // The abort never came here.
      expect(await series(to)).not.toContain(`destination ${to} 503 ${caller}`);
    });
  });

  it("there is no way in without a certificate", async () => {
    expect(await mesh.clientBypasses("httpd")).toMatch(/^E/);
    expect(await mesh.clientBypasses("client")).toMatch(/^E/);
  });

  it("each sidecar is the proxy it is meant to be", async () => {
    expect(JSON.parse(await mesh.admin("httpd", "/server_info")).version).toMatch(/\/1\.40\.0\/.*BoringSSL/);
    expect(JSON.parse(await mesh.admin("client", "/server_info")).version).not.toContain("BoringSSL");
  });

  it("httpd answered, and only what its sidecar let through", () => {
    const log = mesh.log("httpd");
    expect(log).toMatch(/"GET \/hello HTTP\/1\.1" 200/);
    expect(log.match(/"GET \/private /g)).toHaveLength(1);
    expect(log).not.toContain("/flaky");
  });
});
