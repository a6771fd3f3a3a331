import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startHost } from "../../../host/testing/vitest";

const SOURCE = "test/sdk/guests/traps.ts";
/** `file:line` of the first line of the guest that holds `text`. */
function lineOf(text: string): string {
  const lines = readFileSync(SOURCE, "utf8").split("\n");
  return `${SOURCE}:${lines.findIndex((line) => line.includes(text)) + 1}`;
}

test("a trap shows the guest's stack with lines of the AssemblyScript sources, in the log and in a failure's story", async () => {
  const host = await startHost({ plugins: { module: SOURCE, name: "shop" } });
  const exchange = host.request({ headers: { "x-trap": "bounds" } });
  expect(exchange).toBeAnswered(503);
  const [report] = host.logs("Function: proxy_on_request_headers failed");
  for (const text of ["return this.items[", "return shelf.take", "fetchItem(new", "fall(this.request"])
    expect(report?.message).toContain(lineOf(text));
  expect(host.story(100)).toContain(lineOf("return this.items["));
});
