import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { Inspector } from "../../../host/inspector/inspector";
import { LIMITS } from "../../../host/inspector/limits";
import type { StreamView } from "../../../host/inspector/model";
import { nodeEngine } from "../../../host/proxy/index";
import { folder } from "../../e2e/support/folder";
import { bootstrap, httpListener, type Json, wasmFilter } from "../../support/bootstrap";
import { guest } from "../../support/guests";

const ANSWER: Json = {
  match: { prefix: "/" },
  direct_response: { status: 200, body: { inline_string: "hi" } },
};

/** A proxy with one scripted plugin, under an inspector. */
async function inspected(script: string, more: object = {}) {
  const wasm = await guest("puppet");
  const filters = [wasmFilter({ name: "puppet", rootId: "p", wasm, configuration: script })];
  const dir = folder({
    "envoy.json": bootstrap({
      listeners: [httpListener({ name: "main", filters, routes: [ANSWER] })],
      clusters: [],
    }),
  });
  const options = { configPath: `${dir}/envoy.json`, writeLog: () => {}, ...more };
  const inspector = new Inspector(options);
  const running = await nodeEngine.start({ ...options, watcher: inspector.recorder });
  const page = await inspector.listen(0);
  onTestFinished(async () => {
    await inspector.close();
    await running.kill();
  });
  const url = `http://127.0.0.1:${running.listeners[0]!.port}`;
  const view = async (id: number) => (await (await fetch(`${page}api/streams/${id}`)).json()) as StreamView;
  return { inspector, page, url, view };
}

/** One request with headers that `fetch` does not let one set. */
async function ask(page: string, path: string, headers: Record<string, string>, method = "GET") {
  const sent = httpRequest(new URL(path, page), { method, headers, agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  response.resume();
  return response.statusCode as number;
}

describe("a recorder of streams", () => {
  it("keeps every hook with its hostcalls, what it changed and what it answered", async () => {
    const { url, view } = await inspected(`
on request_headers
  add 0 x-new 1
on response_headers
  log 2 seen
  remove 2 content-type`);
    await (await fetch(url, { headers: { authorization: "secret" } })).text();
    const stream = await view(1);
    expect(stream).toMatchObject({ method: "GET", path: "/", status: 200, state: "done" });
    expect(stream.request.headers).toContainEqual(["authorization", "<6 bytes masked>"]);
    expect(stream.forwarded?.headers).toContainEqual(["x-new", "1"]);
    const hook = stream.steps.find(({ what }) => what === "request headers")!;
    expect(hook.before).not.toContainEqual(["x-new", "1"]);
    expect(hook.after).toContainEqual(["x-new", "1"]);
    expect(hook.status).toBe("Continue");
    expect(hook.lines.join("\n")).toContain('proxy_add_header_map_value(map=HttpRequestHeaders, key="x-new"');
    const answer = stream.steps.find(({ what }) => what === "response headers")!;
    expect(answer.lines.join("\n")).toContain('message="seen"');
    expect(stream.response?.headers?.map(([name]) => name)).not.toContain("content-type");
    expect(stream.response?.body?.text).toBe("hi");
  });

  it("shows who answered a stream, and callbacks between hooks", async () => {
    const { url, view } = await inspected(`
on configure
  tick 10
on request_headers
  return 1
on tick
  effective $stream
  reply 418 tea short -1`);
    expect((await fetch(url)).status).toBe(418);
    const stream = await view(1);
    expect(stream.decision).toEqual({ filter: "puppet", status: 418, details: "tea" });
    expect(stream.upstream).toBeUndefined();
    expect(
      stream.steps.some(({ lines }) => lines.some((line) => line.includes("proxy_send_local_response"))),
    ).toBe(true);
  });

  it("masks nothing when the full trace is asked for", async () => {
    const { url, view } = await inspected("on request_headers\n  get 0 authorization", { trace: "full" });
    await (await fetch(url, { headers: { authorization: "secret" } })).text();
    expect((await view(1)).request.headers).toContainEqual(["authorization", "secret"]);
  });

  it("forgets the oldest: memory does not grow with the traffic", async () => {
    const { url, inspector } = await inspected("on request_headers\n  get 0 :path");
    for (let i = 0; i < LIMITS.streams + 5; i++) await (await fetch(url)).text();
    const { all } = inspector.recorder;
    expect([all.length, all.at(-1)!.id, all[0]!.id]).toEqual([LIMITS.streams, 6, LIMITS.streams + 5]);
  });

  it("keeps so many steps and lines of a stream, and counts the rest", async () => {
    const calls = Array.from({ length: LIMITS.lines + 50 }, () => "  get 0 :path").join("\n");
    const { url, view } = await inspected(`on request_headers\n${calls}`);
    await (await fetch(url)).text();
    const { steps, dropped } = await view(1);
    expect(Math.max(...steps.map(({ lines }) => lines.length))).toBe(LIMITS.lines);
    expect(dropped).toBeGreaterThan(50);
  });
});

describe("the inspector's server", () => {
  it("answers only this machine's own page: other names, origins and blind posts are refused", async () => {
    const { page } = await inspected("");
    const host = new URL(page).host;
    expect(await ask(page, "/", { host })).toBe(200);
    expect(await ask(page, "/", { host: "evil.example" })).toBe(403);
    expect(await ask(page, "/api/streams", { host, origin: "http://evil.example" })).toBe(403);
    expect(await ask(page, "/api/events", { host, origin: "null" })).toBe(403);
    expect(await ask(page, "/api/clear", { host }, "POST")).toBe(403);
    expect(await ask(page, "/api/clear", { host, "x-inspector": "1" }, "POST")).toBe(200);
    expect(await ask(page, "/../package.json", { host })).toBe(404);
  });

  it("says in words what it cannot do", async () => {
    const { page } = await inspected("");
    const gone = await fetch(`${page}api/streams/7`);
    expect([gone.status, await gone.text()]).toEqual([409, "stream 7 is not kept any longer"]);
  });
});
