import { describe, expect, inject, it } from "vitest";
import { ENGINE_NAMES } from "../support/engines";
import { isListening } from "./support/port";
import { Program } from "./support/program";

/** A printed `curl` line: its URL and its header. */
interface Curl {
  url: string;
  headers: Record<string, string>;
}

function curlLines(text: string): Curl[] {
  return [...text.matchAll(/^\s*curl -\w (\S+)(?: -H '([^:]+): ([^']+)')?/gm)].map(
    ([, url, name, value]) => ({
      url: url!,
      headers: name ? { [name]: value! } : {},
    }),
  );
}

async function get({ url, headers }: Curl) {
  const began = performance.now();
  const response = await fetch(url, { headers });
  return { status: response.status, body: await response.text(), ms: performance.now() - began };
}

for (const engine of ENGINE_NAMES) {
  describe.skipIf(engine === "envoy" && !inject("envoy"))(`npm start [${engine}]`, () => {
    it("answers the curl lines it prints, and Ctrl-C leaves nothing behind", {
      timeout: 60_000,
    }, async () => {
      const program = new Program("npm", ["start", "--", "--free-ports", "--engine", engine], {
        group: true,
      });
      await program.saw(/Ctrl-C stops everything/, "stdout");
      for (const filter of ["fault", "authz", "metrics"]) expect(program.stdout).toContain(`${filter}.wasm`);
      const [hello, denied, admitted, flaky, slow, stats, ...rest] = curlLines(program.stdout);
      expect(rest).toEqual([]);

      expect(await get(hello!)).toMatchObject({ status: 200, body: "hello from the app\n" });
      expect(await get(denied!)).toMatchObject({ status: 403, body: "RBAC: access denied" });
      expect(await get(admitted!)).toMatchObject({ status: 200, body: "private page of the app\n" });
      expect(await get(flaky!)).toMatchObject({ status: 503, body: "fault filter abort" });
      const late = await get(slow!);
      expect(late.status).toBe(200);
      expect(late.ms).toBeGreaterThanOrEqual(300);
      const metric = /^istio_requests_total\{[^}]*response_code="403"[^}]*\} [1-9]/m;
      await expect
        .poll(async () => (await get(stats!)).body, { timeout: 8000, interval: 200 })
        .toMatch(metric);

      const [, ready] = await program.saw(/engine, ready in (\d+) ms/, "stdout");
      console.log(`npm start: ${engine} engine ready in ${ready} ms`);

      program.signal("SIGINT");
      await program.exit;
      const ports = [...program.stdout.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) =>
        Number(port),
      );
      for (const port of new Set(ports)) expect(await isListening(port)).toBe(false);
      expect(program.stdout + program.stderr).not.toMatch(/\n\s+at |Error:/);
    });
  });
}
