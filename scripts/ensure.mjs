// Makes a fresh clone ready: installs dependencies when the lockfile is not the one they were installed from.
// Plain JavaScript for Node 20: it runs before the project's own Node has arrived with `npm ci`.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = join(root, "node_modules", ".lockfile.sha256");

/** @param {string} version @param {readonly [number, number]} floor */
function below(version, [major, minor]) {
  const [a = 0, b = 0] = version.split(".").map(Number);
  return a < major || (a === major && b < minor);
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

// On Linux x64 and arm64 `npm ci` brings the Node that the tools need; elsewhere the machine's own has to do.
const bringsNode = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
const floor = /** @type {const} */ (bringsNode ? [20, 19] : [22, 22]);
const found = process.versions.node;
if (below(found, floor))
  fail(`Node ${floor.join(".")} or newer is needed here, this is ${found} (${process.execPath}).`);

const hash = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .update(readFileSync(join(root, "tools/node/package.json")))
  .digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== hash) {
  process.stderr.write("Installing dependencies (npm ci) ...\n");
  const began = Date.now();
  const { status, error } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (error) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail(`npm ci failed (exit ${status}); its messages are above.`);
  writeFileSync(stamp, hash);
  process.stderr.write(`Dependencies installed in ${((Date.now() - began) / 1000).toFixed(1)} s.\n`);
}
