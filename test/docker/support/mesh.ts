import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  DockerComposeEnvironment,
  type StartedDockerComposeEnvironment,
  type StartedTestContainer,
  Wait,
} from "testcontainers";
import { fillFolder } from "../../../host/certs/folder";
import { readIdentity } from "../../../host/certs/spiffe";
import { docker } from "./docker-cli";
import type { DockerForTests } from "./provided";

/** What get.mjs prints. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  ms: number;
}

/** Any free port of loopback. */
const FREE = "127.0.0.1:0";

/** compose.yaml under way. */
export class Mesh {
  readonly #environment: StartedDockerComposeEnvironment;
  readonly #name: (service: string) => string;
  readonly #certs: string;

  private constructor(
    environment: StartedDockerComposeEnvironment,
    name: (service: string) => string,
    certs: string,
  ) {
    this.#environment = environment;
    this.#name = name;
    this.#certs = certs;
  }

  static async up({ compose, owner, images }: DockerForTests): Promise<Mesh> {
    // Version 1 of compose has the project in names, and testcontainers knows only version 2's way of it.
    const name = (service: string) => (compose === "plugin" ? `${service}-1` : `${owner}_${service}_1`);
    const ready = () => Wait.forHttp("/ready", 15000).forStatusCode(200);
    const standalone = { executable: { standalone: true, executablePath: "docker-compose" } } as const;
    const certs = mkdtempSync(join(tmpdir(), "proxy-wasm-mesh-"));
    await fillFolder(certs, {
      identities: ["default/httpd", "default/client"].map(readIdentity),
      trustDomain: "cluster.local",
      dns: ["localhost"],
      days: 1,
      force: false,
    });
    const environment = new DockerComposeEnvironment(
      fileURLToPath(new URL("..", import.meta.url)),
      "compose.yaml",
    )
      .withProjectName(owner)
      .withEnvironment({
        ...images,
        CERTS: certs,
        HTTPD_OUTBOUND: FREE,
        HTTPD_ADMIN: FREE,
        CLIENT_OUTBOUND: FREE,
        CLIENT_ADMIN: FREE,
      })
      .withStartupTimeout(30_000)
      // Each pod is ready when its sidecar is; the ports are published where the pod's network is, with the app.
      .withWaitStrategy(name("httpd"), ready())
      .withWaitStrategy(name("client"), ready())
      .withClientOptions(compose === "standalone" ? standalone : {});
    return new Mesh(await environment.up(), name, certs);
  }

  async down(): Promise<void> {
    await this.#environment.down({ timeout: 0, removeVolumes: true });
    rmSync(this.#certs, { recursive: true, force: true });
  }

  container(service: string): StartedTestContainer {
    return this.#environment.getContainer(this.#name(service));
  }

  /** The client's app sends a request to another pod through its own sidecar. */
  async clientGets(host: string, path: string, ...headers: string[]): Promise<Answer> {
    const command = ["node", "/app/get.mjs", host, path, ...headers];
    const { exitCode, stdout, stderr } = await this.container("client").exec(command);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`);
    return JSON.parse(stdout);
  }

  /** A request to another pod's inbound port past the sidecar, and what comes of it: a status or an error's code. */
  async clientBypasses(host: string): Promise<string> {
    const script = `require("node:http").get("http://${host}:15006/hello", (response) => console.log(response.statusCode))
      .on("error", (error) => console.log(error.code))`;
    const { stdout } = await this.container("client").exec(["node", "-e", script]);
    return stdout.trim();
  }

  /** The address of a published port of a pod. */
  url(pod: string, port: number): string {
    const container = this.container(pod);
    return `http://${container.getHost()}:${container.getMappedPort(port)}`;
  }

  /** What a service has written so far. */
  log(service: string): string {
    return docker("logs", this.container(service).getId()).text;
  }

  /** A page of the admin interface of a pod's sidecar. */
  async admin(pod: string, path: string): Promise<string> {
    const response = await fetch(`${this.url(pod, 15000)}${path}`);
    return response.text();
  }
}
