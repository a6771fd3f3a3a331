import { chmodSync, existsSync, globSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { root, writeIfChanged } from "./files.mjs";

const dist = join(root, "dist");

// Bundled CommonJS packages ask for node's own modules through `require`.
const banner =
  'import { createRequire as pwRequire } from "node:module"; const require = pwRequire(import.meta.url);';

/** Bundles the CLI and the library; chunks are shared, so that a command loads only what it needs. */
export async function bundle(/** @type {(line: string) => void} */ say) {
  const began = performance.now();
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: {
      cli: "host/cli/bin.ts",
      main: "host/cli/main.ts",
      index: "host/index.ts",
      testing: "host/testing/index.ts",
      "testing-vitest": "host/testing/vitest.ts",
    },
    outdir: "dist",
    bundle: true,
    splitting: true,
    chunkNames: "chunk-[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node20.19",
    // The compiler is large and finds its own files by path; it stays a dependency.
    // The test runner is the user's.
    external: ["assemblyscript", "assemblyscript/*", "binaryen", "vitest"],
    banner: { js: banner },
    metafile: true,
    write: false,
    legalComments: "none",
    logLevel: "error",
  });
  const page = await bundlePage();
  outputFiles.push(...page.outputFiles);
  Object.assign(metafile.inputs, page.metafile.inputs);
  const written = new Set(outputFiles.map((f) => f.path));
  for (const { path, contents } of outputFiles) writeIfChanged(path, contents);
  chmodSync(join(dist, "cli.js"), 0o755);
  const notices = join(dist, "THIRD-PARTY-NOTICES.txt");
  writeIfChanged(notices, licences(Object.keys(metafile.inputs)));
  for (const file of globSync("*.js", { cwd: dist }).map((f) => join(dist, f)))
    if (!written.has(file)) rmSync(file, { force: true });
  say(`dist/ bundled in ${Math.round(performance.now() - began)} ms`);
}

/** The page of `run --inspect`, whole: it fetches nothing from anywhere else. */
function bundlePage() {
  return esbuild.build({
    absWorkingDir: root,
    entryPoints: [
      { in: "host/inspector/page/app.tsx", out: "page" },
      { in: "host/inspector/page/page.css", out: "page" },
      { in: "host/inspector/page/index.html", out: "index" },
    ],
    outdir: "dist/inspector",
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    loader: { ".html": "copy" },
    minify: true,
    metafile: true,
    write: false,
    legalComments: "none",
    logLevel: "error",
  });
}

/** Licence texts of the packages whose code is inside the bundle. */
function licences(/** @type {string[]} */ inputs) {
  const packages = new Set(
    inputs.map((i) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(i)?.[1]).filter((p) => p !== undefined),
  );
  return [...packages]
    .sort()
    .map((name) => {
      const folder = join(root, "node_modules", name);
      const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const [file] = globSync("{LICENSE,LICENCE}{,.md,.txt}", { cwd: folder });
      const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : "";
      return `${name} ${version} (${license})\n\n${text.trim()}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}
