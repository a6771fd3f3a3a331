import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { HeaderMap } from "../../../host/stores/header-map";
import { guest } from "../../support/guests";
import { exchange, InMemoryHost, openStream } from "../support/in-memory";

let puppet: Buffer;
beforeAll(async () => {
  puppet = readFileSync(await guest("puppet"));
}, 60_000);

/** Loads the puppet with a script; `lines` are those of its streams, the start is left out. */
async function traced(script: string, full = false, name = "shop") {
  const lines: string[] = [];
  const host = new InMemoryHost({
    trace: { full, write: (line) => lines.push(line.replace(/ in [\d.]+ ms/, " in N ms")) },
  });
  const plugin = await host.load(puppet, { name, rootId: "", configuration: Buffer.from(script) });
  const start = lines.splice(0);
  return { lines, start, plugin };
}

/** Hostcall lines of one context without their prefix; the script's own reports are left out. */
const hostcalls = (lines: string[], who = "shop#2") =>
  lines.flatMap((line) =>
    line.startsWith(`${who}   ==> `) && !line.includes("proxy_log(") ? [line.slice(who.length + 3)] : [],
  );

describe("the trace", () => {
  test("callbacks with named parameters, hostcalls between, results by name", async () => {
    const { lines, plugin } = await traced("on request_headers\n a = get 0 :path\n return 1");
    exchange(plugin);
    expect(lines.filter((line) => !line.includes("proxy_log("))).toEqual([
      "shop#2 ==> proxy_on_context_create(context=2, parent=1)",
      "shop#2 <== in N ms",
      "shop#2 ==> proxy_on_request_headers(context=2, headers=2, endOfStream=true)",
      'shop#2   ==> proxy_get_header_map_value(map=HttpRequestHeaders, key=":path") <== OK "/"',
      "shop#2 <== Pause in N ms",
      "shop#2 ==> proxy_on_log(context=2)",
      "shop#2 <== in N ms",
      "shop#2 ==> proxy_on_done(context=2)",
      "shop#2 <== true in N ms",
      "shop#2 ==> proxy_on_delete(context=2)",
      "shop#2 <== in N ms",
    ]);
  });

  test("the start: configuration read, results as booleans", async () => {
    const { start } = await traced("on configure\n return 1");
    expect(start).toContain("shop#1 ==> proxy_on_configure(context=1, size=22)");
    expect(start.join("\n")).toMatch(
      /shop#1 {3}==> proxy_get_buffer_bytes\(buffer=PluginConfiguration, start=0, max=\d+\) <== OK "on configure\\n return 1"/,
    );
    expect(start).toContain("shop#1 <== true in N ms");
  });

  test("interleaved streams of two plugins are told apart by plugin and context", async () => {
    const { lines, plugin } = await traced("on request_headers\n get 0 x-n", false, "one");
    const streams = ["a", "b"].map((value) => ({ value, ...openStream(plugin) }));
    for (const { chain, value } of streams)
      chain.requestHeaders(HeaderMap.of("request", [["x-n", value]]), true);
    for (const { chain } of streams) chain.finish();
    for (const [id, value] of [
      [2, "a"],
      [3, "b"],
    ])
      expect(hostcalls(lines, `one#${id}`)).toEqual([
        `==> proxy_get_header_map_value(map=HttpRequestHeaders, key="x-n") <== OK "${value}"`,
      ]);
  });

  test("failures show as their status, without values", async () => {
    const { lines, plugin } = await traced("on request_headers\n get 0 x-none\n get 9 x\n effective 77");
    exchange(plugin);
    expect(hostcalls(lines)).toEqual([
      '==> proxy_get_header_map_value(map=HttpRequestHeaders, key="x-none") <== NotFound',
      '==> proxy_get_header_map_value(map=9, key="x") <== BadArgument',
      "==> proxy_set_effective_context(context=77) <== BadArgument",
    ]);
  });

  test("pairs, numbers, paths, 64-bit values, WASI", async () => {
    const { lines, plugin } = await traced(`on request_headers
      pairs 0
      prop request time
      m = metric 1 things
      increment $m -3
      read-metric $m
      set-shared key value 0
      shared key
      random 4`);
    exchange(plugin);
    const shown = hostcalls(lines);
    const id = /^==> proxy_define_metric\(type=Gauge, name="things"\) <== OK (\d+)$/.exec(shown[2]!)![1];
    expect(shown).toEqual([
      '==> proxy_get_header_map_pairs(map=HttpRequestHeaders) <== OK {":method": "GET", ":path": "/"}',
      '==> proxy_get_property(path="request.time") <== OK "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00" (0)',
      `==> proxy_define_metric(type=Gauge, name="things") <== OK ${id}`,
      `==> proxy_increment_metric(id=${id}, delta=-3) <== OK`,
      `==> proxy_get_metric(id=${id}) <== OK 0`,
      '==> proxy_set_shared_data(key="key", value="value", cas=0) <== OK',
      '==> proxy_get_shared_data(key="key") <== OK value="value" cas=1',
      expect.stringMatching(/^==> random_get\(\d+, 4\) <== Success$/),
    ]);
  });

  test("values are quoted, escaped and cut; nothing can break a line or reach a terminal", async () => {
    const odd = "%22%5C%0A%1B[31m%C3%A9";
    const { lines, plugin } = await traced(`on request_headers
      shared ${odd}
      shared %FF%00x
      shared @200`);
    exchange(plugin);
    expect(hostcalls(lines)).toEqual([
      '==> proxy_get_shared_data(key="\\"\\\\\\n\\x1b[31mé") <== NotFound',
      '==> proxy_get_shared_data(key="\\xff\\x00x") <== NotFound',
      `==> proxy_get_shared_data(key="${"x".repeat(120)}"... (200 bytes)) <== NotFound`,
    ]);
  });

  const SECRETS = `on request_headers
      get 0 authorization
      add 0 Set-Cookie sesame
      pairs 0
      prop request headers x-api-key
      prop request headers
      set-shared oauth-token sesame 0
      shared oauth-token
      log 2 /login?user=me&access_token=sesame&x=1
      log 2 {%22password%22:%20%22sesame%22}
      reply 401 denied '' -1 set-cookie sesame x-plain shown`;

  test.each([false, true])("secrets are masked unless all is asked for (full: %s)", async (full) => {
    const { lines, plugin } = await traced(SECRETS, full);
    exchange(plugin, [
      ["authorization", "Bearer sesame"],
      ["x-api-key", "sesame"],
    ]);
    const text = lines.join("\n");
    if (full) {
      expect(text).toContain('key="authorization") <== OK "Bearer sesame"');
      expect(text).not.toContain("masked");
      return;
    }
    expect(text).not.toContain("sesame");
    expect(hostcalls(lines).slice(0, 3)).toEqual([
      '==> proxy_get_header_map_value(map=HttpRequestHeaders, key="authorization") <== OK <13 bytes masked>',
      '==> proxy_add_header_map_value(map=HttpRequestHeaders, key="Set-Cookie", value=<6 bytes masked>) <== OK',
      '==> proxy_get_header_map_pairs(map=HttpRequestHeaders) <== OK {":method": "GET", ":path": "/", "authorization": <13 bytes masked>, "x-api-key": <6 bytes masked>, "set-cookie": <6 bytes masked>}',
    ]);
    expect(text).toContain('"/login?user=me&access_token=<masked>&x=1"');
    expect(text).toContain('headers={"set-cookie": <6 bytes masked>, "x-plain": "shown"}');
  });

  test("a trap, and addresses outside memory", async () => {
    const { lines, plugin } = await traced("on request_headers\n raw-log 2 -8 100\n trap");
    exchange(plugin);
    expect(lines).toContain(
      "shop#2   ==> proxy_log(level=info, message=<outside memory: 100 bytes at 4294967288>) <== InvalidMemoryAccess",
    );
    expect(lines.at(-1)).toBe("shop#2 <== trap in N ms: RuntimeError: unreachable");
  });
});
