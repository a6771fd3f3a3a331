import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { loadBootstrap, parseBootstrap } from "../../host/config/index";
import { ConfigError } from "../../host/errors";
import { clientContext, serverContext } from "../../host/proxy/tls/secure-context";
import type { Json } from "../support/bootstrap";
import { everyField } from "../support/every-field";
import { guest } from "../support/guests";
import { testPki } from "../support/tls";

const ODD: readonly unknown[] = [
  "",
  "x",
  0,
  1,
  -1,
  1.5,
  1e11,
  true,
  [],
  {},
  "0s",
  "5",
  "a b",
  "\u0000",
  "\u00e9",
  "/",
  "(",
];

type Path = (string | number)[];

function* paths(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value))
    yield* paths(item, [...path, Array.isArray(value) ? Number(key) : key]);
}

/** A copy with one place changed, or left out. */
function changed(file: Json, path: Path, value: unknown): Json {
  const copy = structuredClone(file);
  let at = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as typeof at;
  const key = path.at(-1)!;
  if (value !== undefined) at[key] = value;
  else if (Array.isArray(at)) at.splice(Number(key), 1);
  else delete at[key];
  return copy;
}

/**
 * One variant in so many: prime, so that all values meet all kinds of fields. Each costs both engines a whole file;
 * `AGREEMENT_SAMPLE=1` takes an hour.
 */
const SAMPLE = Number(process.env.AGREEMENT_SAMPLE ?? 59);

const envoy = inject("envoy");
describe.skipIf(envoy === undefined)("What the Node engine accepts, Envoy accepts", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "proxy-wasm-agreement-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test.each(["examples/sidecar/envoy.yaml", "examples/hello/envoy.yaml"])("%s", async (file) => {
    expect(loadBootstrap(file).warnings).toEqual([]);
    expect(await validated(file)).toBe(true);
  });

  test(
    "a file with every supported field, each field left out or set to something odd",
    async () => {
      const base = everyField(await guest("puppet"), await testPki());
      const variants: [string, Json][] = [["the file itself", base]];
      for (const path of paths(base)) {
        // Paths are checked against the disk, or files made there, not here.
        if (path.at(-1) === "filename" || path.at(-1) === "event_log_path") continue;
        for (const value of [undefined, ...ODD])
          variants.push([`${path.join(".")} = ${JSON.stringify(value)}`, changed(base, path, value)]);
      }
      const chosen = variants.filter(([, file], i) => i % SAMPLE === 0 && nodeAccepts(file));
      expect(chosen.length).toBeGreaterThan(20);
      const refused: string[] = [];
      let next = 0;
      const work = async () => {
        for (let i = next++; i < chosen.length; i = next++) {
          const [what, file] = chosen[i]!;
          if (!(await envoyAccepts(join(dir, `${i}.json`), file))) refused.push(what);
        }
      };
      await Promise.all([work(), work()]);
      expect(refused).toEqual([]);
    },
    7_200_000 / SAMPLE + 120_000,
  );
});

function nodeAccepts(file: Json): boolean {
  try {
    const { bootstrap } = parseBootstrap(JSON.stringify(file), "envoy.json");
    for (const { tls } of bootstrap.listeners) if (tls) serverContext(tls);
    for (const { tls } of bootstrap.clusters) if (tls) clientContext(tls);
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

async function envoyAccepts(path: string, file: Json): Promise<boolean> {
  await writeFile(path, JSON.stringify(file));
  return validated(path);
}

/** `envoy --mode validate`. */
async function validated(path: string): Promise<boolean> {
  const child = spawn(envoy!, ["--mode", "validate", "-c", path, "-l", "off"], { stdio: "ignore" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0));
  });
}
