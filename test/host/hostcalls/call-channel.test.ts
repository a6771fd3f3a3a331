import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { CallMessage } from "../../../host/hostcalls/call-channel";
import { guest } from "../../support/guests";
import { exchange, InMemoryHost } from "../support/in-memory";

const CHANNEL = "proxy-wasm-toolkit:call";

test("who listens when a VM starts hears of every call either way, with root_id and vm_id", async () => {
  const puppet = readFileSync(await guest("puppet"));
  const heard: CallMessage[] = [];
  const listen = (message: unknown) => void heard.push(message as CallMessage);
  const load = () =>
    new InMemoryHost().load(puppet, {
      rootId: "r",
      vmId: "v",
      configuration: Buffer.from("on request_headers\n time\n clock 0"),
    });
  const before = await load();
  subscribe(CHANNEL, listen);
  try {
    exchange(await load());
    const names = heard.filter(({ rootId, vmId }) => rootId === "r" && vmId === "v").map(({ name }) => name);
    const from = names.indexOf("proxy_on_request_headers");
    expect(names.slice(from, from + 3)).toEqual([
      "proxy_on_request_headers",
      "proxy_get_current_time_nanoseconds",
      "clock_time_get",
    ]);
    heard.length = 0;
    exchange(before);
    expect(heard, "a VM that nobody listened to at its start publishes nothing").toEqual([]);
  } finally {
    unsubscribe(CHANNEL, listen);
  }
});
