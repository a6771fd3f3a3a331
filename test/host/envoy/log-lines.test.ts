import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../../host/envoy/admin-client";
import { forwardLines, LastWords } from "../../../host/envoy/log-lines";

describe("Envoy's log", () => {
  test("is cut into lines wherever the chunks end, bytes kept", async () => {
    const lines: string[] = [];
    await forwardLines(
      Readable.from([Buffer.from("a\xe9", "latin1"), Buffer.from("b\nc\n"), Buffer.from("d")]),
      (line) => lines.push(line),
    );
    expect(lines).toEqual(["a\xe9b\n", "c\n", "d\n"]);
  });

  test("the first critical line explains a failed start, without the configuration Envoy prints after it", () => {
    const words = new LastWords();
    words.read("[2026-11-23 13:52:37.758][1][error][config] [a.cc:1] something small\n");
    expect(words.message).toBe("something small");
    words.read(
      "[2026-11-23 13:52:37.758][1][critical][main] [b.cc:2] error `cannot bind` initializing config 'x\n",
    );
    words.read("[2026-11-23 13:52:37.758][1][critical][main] [b.cc:2] later\n");
    expect(words.message).toBe("cannot bind");
  });

  test("a plugin's failed start is told with what the plugin said", () => {
    const words = new LastWords();
    for (const line of [
      '[error][wasm] [context.cc:1157] wasm log wrong: root_id "wrong" is unknown; registered: guard',
      "[error][wasm] [wasm.cc:104] Wasm VM failed Failed to start base Wasm",
      "[critical][wasm] [wasm.cc:626] Plugin  failed to load",
      "[critical][main] [server.cc:449] error `Unable to create Wasm plugin ` initializing config 'x",
    ])
      words.read(`[2026-11-23 13:52:37.758][1]${line}\n`);
    expect(words.message).toBe(
      'Plugin  failed to load: Failed to start base Wasm: wasm log wrong: root_id "wrong" is unknown; registered: guard',
    );
  });

  test("a signal from outside is seen", () => {
    const words = new LastWords();
    expect(words.signalled).toBe(false);
    words.read("[2026-11-23 13:52:37.758][1][warning][main] [c.cc:3] caught ENVOY_SIGTERM\n");
    expect(words.signalled).toBe(true);
  });

  test("addresses of both families are read", () => {
    expect(parseAddress("127.0.0.1:9901")).toEqual({ host: "127.0.0.1", port: 9901 });
    expect(parseAddress("[::1]:80\n")).toEqual({ host: "::1", port: 80 });
    expect(parseAddress("")).toBeUndefined();
  });
});
