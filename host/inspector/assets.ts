import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { StartError } from "../errors";

/** The page's files by the paths they are asked by. */
const FILES: Readonly<Record<string, { file: string; type: string }>> = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/page.js": { file: "page.js", type: "text/javascript; charset=utf-8" },
  "/page.css": { file: "page.css", type: "text/css; charset=utf-8" },
};

/** Beside the bundle; from the sources, where the bundle is made. */
const FOLDERS = ["./inspector/", "../../dist/inspector/"];

/** Reads the bundled page. Throws StartError when it was not built. */
export function readAssets(): Map<string, { type: string; body: string }> {
  const folder = FOLDERS.map((each) => fileURLToPath(new URL(each, import.meta.url))).find((each) =>
    existsSync(`${each}page.js`),
  );
  if (!folder) throw new StartError("the inspector's page is not built: npm run build");
  return new Map(
    Object.entries(FILES).map(([path, { file, type }]) => [
      path,
      { type, body: readFileSync(`${folder}${file}`, "utf8") },
    ]),
  );
}
