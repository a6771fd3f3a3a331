import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { OWNER_LABEL } from "../../host/envoy/container";
import { proxyWasm, ready } from "../e2e/support/program";
import { docker as cli } from "./support/docker-cli";

const docker = inject("docker");

describe.skipIf(!docker)("ENVOY_IMAGE: the envoy engine in a container", () => {
  const env = { ENVOY_PATH: "", ENVOY_IMAGE: docker?.images.ENVOY_IMAGE ?? "envoyproxy/envoy:v1.40.0" };

  /** `proxy-wasm run` of the sidecar example in front of an app of this machine. */
  async function start() {
    const app = createServer((_, response) => response.end("app")).listen(0, "127.0.0.1");
    await once(app, "listening");
    onTestFinished(() => void app.close());
    const { port } = app.address() as AddressInfo;
    const sets = [
      "static_resources.listeners[0].address.socket_address.port_value=0",
      "admin.address.socket_address.port_value=0",
      `static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value=${port}`,
    ].flatMap((set) => ["--set", set]);
    const program = proxyWasm(
      ["run", "examples/sidecar/envoy.yaml", "--engine", "envoy", "-l", "info", ...sets],
      { env },
    );
    const { listener } = await ready(program);
    return { program, get: (path: string) => fetch(`http://127.0.0.1:${listener}${path}`) };
  }

  const containersOf = (pid: number) =>
    cli("ps", "--filter", `label=${OWNER_LABEL}`, "--format", `{{.Label "${OWNER_LABEL}"}}`)
      .text.split("\n")
      .filter((owner) => owner.endsWith(`-${pid}`)).length;

  it("serves the file, with this machine's network, and a signal ends both", async () => {
    const { program, get } = await start();
    expect(containersOf(program.pid)).toBe(1);
    expect((await get("/hello")).status).toBe(200);
    expect((await get("/private")).status).toBe(403);
    program.signal("SIGTERM");
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(containersOf(program.pid)).toBe(0);
  });

  it("a container whose owner was killed is removed by the next start", async () => {
    const { program: first } = await start();
    first.signal("SIGKILL");
    await first.exit;
    const { program, get } = await start();
    expect((await get("/hello")).status).toBe(200);
    await expect.poll(() => containersOf(first.pid)).toBe(0);
    program.signal("SIGTERM");
    await program.exit;
  });

  it("an image that is not to be had is an error", async () => {
    const program = proxyWasm(["run", "examples/hello/envoy.yaml", "--engine", "envoy"], {
      env: { ...env, ENVOY_IMAGE: "127.0.0.1:9/none:1" },
    });
    expect(await program.exit).toMatchObject({ code: 1 });
    expect(program.stderr).toMatch(/error: .*ENVOY_IMAGE=127\.0\.0\.1:9\/none:1 cannot be pulled: /);
  });
});
