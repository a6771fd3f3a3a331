import { expect } from "vitest";
import { type TcpBehaviour, tcpConformance } from "../../support/tcp-conformance";
import { echo } from "../../support/tcp-peer";

const END = ["done", "log", "delete"];

tcpConformance("TCP filters: traps", ({ behaviour }) => {
  const BEFORE_DATA = ["context_create", "new_connection", "downstream_data", "upstream_data"];
  const AFTER_DATA = ["upstream_connection_close", "downstream_connection_close", ...END];
  const RELOAD = { failure_policy: "FAIL_RELOAD", reload_config: { backoff: { base_interval: "0.01s" } } };
  /** Whether the bytes of the connection that traps, and of the next one, come back from the upstream. */
  const POLICIES: readonly [name: string, plugin: Record<string, unknown>, first: boolean, next: boolean][] =
    [
      ["FAIL_CLOSED", {}, false, false],
      ["FAIL_OPEN", { failure_policy: "FAIL_OPEN" }, false, true],
      ["fail_open: true", { fail_open: true }, true, true],
      // The fresh VM traps at the same place.
      ["FAIL_RELOAD", RELOAD, false, false],
    ];

  /** What a client that sends some bytes gets back before its connection ends. */
  async function answer(b: TcpBehaviour): Promise<string> {
    const client = await b.connect();
    client.write("abc");
    await Promise.race([client.receives("abc").catch(() => {}), client.over()]);
    if (!client.isGone) client.end();
    await client.over();
    return client.text;
  }

  for (const [policy, plugin, first, next] of POLICIES) {
    for (const callback of BEFORE_DATA)
      behaviour(
        `${policy}: in ${callback}`,
        {
          script: `on ${callback}\n when $parent 0 : return 0\n trap`,
          plugin,
          upstream: echo,
        },
        async (b) => {
          expect(await answer(b)).toBe(first ? "abc" : "");
          expect(await answer(b)).toBe(next ? "abc" : "");
        },
      );
    for (const callback of AFTER_DATA)
      behaviour(
        `${policy}: in ${callback}`,
        { script: `on ${callback}\n m = set trapping\n trap`, plugin, upstream: echo },
        async (b) => {
          expect(await answer(b)).toBe("abc");
          await b.logged("m");
          expect(await answer(b)).toBe(next || policy === "FAIL_RELOAD" ? "abc" : "");
        },
      );
  }

  behaviour(
    "another connection of the failed VM is closed at its next event, without callbacks",
    { script: "trace\non downstream_data\n x = buffer 2 0 9\n when $x trap : trap" },
    async (b) => {
      const other = await b.pair();
      other.client.write("abc");
      await other.upstream.receives("abc");
      const { client } = await b.pair();
      client.write("trap");
      await client.over();
      expect(other.client.isEnded || other.client.isGone).toBe(false);
      other.upstream.write("x");
      await other.client.over();
      expect(other.client.text).toBe("");
      expect((await b.trace()).slice(-1)).toEqual(["downstream_data 4 0"]);
    },
  );
});
