import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, inject, it } from "vitest";
import { bootstrap, httpListener, type Json, wasmFilter } from "../support/bootstrap";
import { guest } from "../support/guests";
import { browserPath, openPage } from "./support/browser";
import { folder } from "./support/folder";
import { Program, proxyWasm, ready, root } from "./support/program";

const ANSWER: Json = {
  match: { prefix: "/" },
  direct_response: { status: 200, body: { inline_string: "hi" } },
};

const SCRIPT = `
on request_headers
  add 0 x-puppet yes
  p = get 0 :path
  when $p /trap : trap
  when $p /tea : reply 418 tea short -1
  when $p /tea : return 1
`;

async function start() {
  const wasm = await guest("puppet");
  const filters = [wasmFilter({ name: "puppet", rootId: "p", vmId: "v", wasm, configuration: SCRIPT })];
  const file = bootstrap({
    listeners: [httpListener({ name: "main", filters, routes: [ANSWER] })],
    clusters: [],
  });
  const cwd = folder({ "envoy.json": file });
  const program = proxyWasm(["run", "envoy.json", "--inspect"], { cwd });
  const [, inspector] = await program.saw(/inspector: (http:\S+)/);
  const { listener } = await ready(program);
  return { program, cwd, inspector: inspector!, url: `http://127.0.0.1:${listener}` };
}

const list = (page: Page) => page.getByRole("listbox", { name: "Streams" });
const rows = (page: Page) => list(page).getByRole("option");
const outcome = (page: Page) => page.locator(".outcome");

describe.skipIf(!browserPath())("proxy-wasm run --inspect, in a browser", { timeout: 60_000 }, () => {
  it("lists streams as they come, and shows one hook by hook, by keyboard alone", async () => {
    const { inspector, url } = await start();
    const page = await openPage(inspector);
    await page.getByText("live").waitFor();
    await fetch(`${url}/first`);
    await fetch(`${url}/tea`);
    await rows(page).nth(1).waitFor();
    expect(await rows(page).locator(".path").allTextContents()).toEqual(["/tea", "/first"]);
    await list(page).focus();
    await page.keyboard.press("End");
    await page.getByRole("heading", { name: "/first" }).waitFor();
    const step = page.locator(".step", { hasText: "request headers" });
    await step.locator("summary").focus();
    await page.keyboard.press("Enter");
    expect(await step.locator(".headers .added").allTextContents()).toEqual(["+ x-puppet: yes\n"]);
    expect(await step.locator(".lines").textContent()).toContain("proxy_add_header_map_value");
    await list(page).focus();
    await page.keyboard.press("ArrowUp");
    await page.getByText("answered by puppet").waitFor();
    expect(await outcome(page).textContent()).toMatch(/^418 · tea · answered by puppet/);
  });

  it("filters by path and outcome", async () => {
    const { inspector, url } = await start();
    for (const path of ["/a", "/b", "/tea"]) await fetch(url + path);
    const page = await openPage(inspector);
    await rows(page).nth(2).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("/b");
    await expect.poll(() => rows(page).locator(".path").allTextContents()).toEqual(["/b"]);
    await page.getByRole("searchbox").fill("");
    await page.getByLabel("Outcome").selectOption("4xx");
    await expect.poll(() => rows(page).locator(".path").allTextContents()).toEqual(["/tea"]);
    await page.getByRole("button", { name: "Clear" }).click();
    await expect.poll(() => rows(page).count()).toBe(0);
  });

  it("pauses on a trap until it is resumed, and shows the trap", async () => {
    const { inspector, url } = await start();
    const page = await openPage(inspector);
    await page.getByText("live").waitFor();
    await page.getByLabel("pause on trap").click();
    await expect
      .poll(async () => (await fetch(`${inspector}api/streams`)).text())
      .toContain('"pauseOnTrap":true');
    let answered = false;
    const response = fetch(`${url}/trap`).then((each) => {
      answered = true;
      return each.status;
    });
    await rows(page).first().click();
    await page.getByText("held: the VM has failed").waitFor();
    expect(answered).toBe(false);
    expect(await page.locator(".lines .trap").first().textContent()).toContain("unreachable");
    await page.getByRole("button", { name: "Resume" }).click();
    expect(await response).toBe(503);
    await expect.poll(() => outcome(page).textContent()).toMatch(/^503 · wasm_fail_stream/);
  });

  it("exports a stream as a scenario that passes", async () => {
    const { inspector, url, cwd } = await start();
    await fetch(`${url}/x?y=1`, { method: "POST", body: "text", headers: { "x-in": "caf\u00e9" } });
    const page = await openPage(inspector);
    await rows(page).first().click();
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Export as scenario" }).click();
    const file = join(cwd, (await download).suggestedFilename());
    await (await download).saveAs(file);
    const test = proxyWasm(["test", file], { cwd });
    expect([(await test.exit).code, test.stdout + test.stderr]).toEqual([
      0,
      expect.stringContaining("POST /x?y=1"),
    ]);
  });

  it.skipIf(!inject("envoy"))("sends a stream again to Envoy, side by side", async () => {
    const { inspector, url } = await start();
    await fetch(`${url}/tea`);
    const page = await openPage(inspector);
    await rows(page).first().click();
    await page.getByRole("button", { name: "Send it again, to Envoy" }).click();
    await expect
      .poll(() => page.locator(".comparison h3, .alert").allTextContents(), { timeout: 30_000 })
      .toEqual(["Envoy answers the same"]);
    expect(await page.locator(".comparison tbody tr").first().allTextContents()).toEqual(["status418418"]);
  });

  it("looks as docs/inspector.png shows", async () => {
    const program = new Program(process.execPath, ["scripts/start.mjs", "--free-ports", "--inspect"], {
      cwd: root,
    });
    const [, inspector] = await program.saw(/inspector: (http:\S+)/);
    const { listener } = await ready(program);
    for (const path of ["/hello", "/slow", "/flaky", "/private"])
      await fetch(`http://127.0.0.1:${listener}${path}`, { headers: { "user-agent": "curl/8.5.0" } });
    const page = await openPage(inspector!);
    await rows(page).nth(3).waitFor();
    await rows(page).first().click();
    await page.locator(".step", { hasText: "StopAll" }).locator("summary").first().click();
    expect(await outcome(page).textContent()).toContain("answered by authz");
    if (process.env.UPDATE_DOCS) writeFileSync(join(root, "docs/inspector.png"), await page.screenshot());
    program.signal("SIGINT");
    expect((await program.exit).code).toBe(0);
  });
});
