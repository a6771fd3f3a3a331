import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  GenericContainer,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from "testcontainers";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { OWNER_LABEL } from "../../host/envoy/container";

const docker = inject("docker");
const root = fileURLToPath(new URL("../..", import.meta.url));
const NODE = docker?.images.NODE_IMAGE ?? "node:24";

/** The proxies that the file of examples/container is for. */
const PROXIES: Readonly<Record<string, () => Promise<GenericContainer>>> = {
  // The image as a user builds it, with the Envoy of this machine in place of the public one.
  envoy: () => {
    const { ENVOY_IMAGE } = docker!.images;
    return GenericContainer.fromDockerfile(root, "examples/container/Dockerfile")
      .withBuildArgs(ENVOY_IMAGE ? { ENVOY_IMAGE } : {})
      .build(`proxy-wasm-toolkit/hello-sidecar:${docker!.owner}`, { deleteOnExit: false });
  },
  node: async () =>
    new GenericContainer(NODE)
      .withCopyDirectoriesToContainer([{ source: `${root}dist`, target: "/toolkit/dist" }])
      .withCopyFilesToContainer([
        { source: `${root}package.json`, target: "/toolkit/package.json" },
        { source: `${root}build/examples/hello.wasm`, target: "/etc/envoy/hello.wasm" },
        { source: `${root}examples/container/envoy.yaml`, target: "/etc/envoy/envoy.yaml" },
      ])
      .withCommand(["node", "/toolkit/dist/cli.js", "run", "/etc/envoy/envoy.yaml"]),
};

/** Says which headers came, for the filter adds one. */
const ECHO = `require("node:http").createServer((request, response) => response.end(
  request.headers["x-ua-len"])).listen(8080, () => console.log("the app listens"))`;

describe.skipIf(!docker)("examples/container", () => {
  const labels = { [OWNER_LABEL]: docker?.owner ?? "" };
  let network: StartedNetwork;
  let app: StartedTestContainer;
  beforeAll(async () => {
    network = await new Network().start();
    app = await new GenericContainer(NODE)
      .withCommand(["node", "-e", ECHO])
      .withNetwork(network)
      .withNetworkAliases("app")
      .withLabels(labels)
      .withWaitStrategy(Wait.forLogMessage("the app listens"))
      .start();
  });
  afterAll(async () => {
    await app?.stop({ timeout: 0 });
    await network?.stop();
  });

  it.each(Object.keys(PROXIES))("a filter in a container of its own [%s]", async (proxy) => {
    const image = await PROXIES[proxy]!();
    const container = await image
      .withNetwork(network)
      .withExposedPorts(15000, 15001)
      .withLabels(labels)
      .withWaitStrategy(Wait.forHttp("/ready", 15000).forStatusCode(200))
      .start();
    try {
      const response = await fetch(`http://${container.getHost()}:${container.getMappedPort(15001)}/`, {
        headers: { "user-agent": "container" },
      });
      expect(await response.text()).toBe("9");
      expect(response.headers.get("x-hello")).toBe("world");
    } finally {
      await container.stop({ timeout: 0 });
    }
  });

  it("is in the documents as it is", () => {
    const page = readFileSync(`${root}docs/containers.md`, "utf8");
    expect(page).toContain(readFileSync(`${root}examples/container/Dockerfile`, "utf8"));
  });
});
