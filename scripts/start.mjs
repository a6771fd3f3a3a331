// `npm start [-- --engine envoy]`: the demo app, and a sidecar with the ready-made filters in front of it.
// What is not ours (`--engine`, `--set`, `-l`, ...) goes to `proxy-wasm run` as it is.
import { join } from "node:path";
import { startApp } from "../examples/sidecar/app.mjs";
import { root } from "./build/files.mjs";
import { build } from "./build.mjs";

const CONFIG = "examples/sidecar/envoy.yaml";
const FREE_PORTS = "--free-ports";

const args = process.argv.slice(2);
const freePorts = args.includes(FREE_PORTS);
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

process.chdir(root);
await build({ say, types: false });

const app = await startApp(freePorts ? 0 : 15080).catch((/** @type {NodeJS.ErrnoException} */ error) => {
  process.stderr.write(
    `error: the demo app cannot listen: ${error.message} (try: npm start -- ${FREE_PORTS})\n`,
  );
  process.exit(1);
});

/** Overrides that let several of these run side by side. */
const overrides = [
  "static_resources.listeners[0].address.socket_address.port_value=0",
  "admin.address.socket_address.port_value=0",
  `static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value=${app.port}`,
].flatMap((pair) => ["--set", pair]);

const { main } = await import(join(root, "dist/main.js"));
/** Envoy introduces itself in two hundred lines; what filters say is what counts here. Later options win. */
const levels = args.includes("envoy") ? ["-l", "warning", "--component-log-level", "wasm:info"] : [];
const rest = args.filter((arg) => arg !== FREE_PORTS);
const command = ["run", CONFIG, ...levels, ...(freePorts ? overrides : []), ...rest];
const code = await main(command, { onReady: explain, began: performance.now() });
await app.close();
process.exit(code);

/** @param {{ engine: string, admin?: { host: string, port: number }, listeners: { host: string, port: number }[] }} proxy */
function explain({ engine, admin, listeners }, /** @type {number} */ ms) {
  const [listener] = listeners;
  const front = `http://${listener?.host}:${listener?.port}`;
  say(`
  app       http://127.0.0.1:${app.port}   (plain, no filters)
  sidecar   ${front}   (${engine} engine, ready in ${ms} ms: fault, authz, metrics)
  admin     http://${admin?.host}:${admin?.port}

Try, in another terminal:
  curl -i ${front}/hello                         200 from the app
  curl -i ${front}/private                       403 RBAC: access denied
  curl -i ${front}/private -H 'x-role: admin'    200
  curl -i ${front}/flaky                         503 fault filter abort
  curl -i ${front}/slow                          200, at least 300 ms later
  curl -s http://${admin?.host}:${admin?.port}/stats/prometheus | grep istio_requests_total

Ctrl-C stops everything.
`);
}
