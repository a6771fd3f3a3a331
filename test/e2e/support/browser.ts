import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";

const NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Chromium of this machine: `CHROMIUM_PATH`, or the first on PATH. Without one CI fails; elsewhere its tests are left out. */
export function browserPath(): string | undefined {
  const given = process.env.CHROMIUM_PATH;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found =
    given ?? NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(executable);
  if (found !== undefined) return found;
  if (process.env.CI === "true")
    throw new Error("no Chromium on this machine (CHROMIUM_PATH, or one on PATH)");
  process.stderr.write("!!! NO CHROMIUM: the tests of the inspector's page are left out\n");
  return undefined;
}

/** Opens an address in a browser of its own, closed with the test. Whatever goes wrong in the page fails the test. */
export async function openPage(url: string): Promise<Page> {
  const browser = await chromium.launch({ executablePath: browserPath()!, args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1360, height: 820 } });
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(message.text());
  });
  onTestFinished(async () => {
    await browser.close();
    if (wrong.length > 0) throw new Error(`errors in the page:\n${wrong.join("\n")}`);
  });
  page.setDefaultTimeout(15_000);
  await page.goto(url);
  return page;
}
