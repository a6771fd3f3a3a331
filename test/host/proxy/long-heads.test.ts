import { afterEach, expect, test, vi } from "vitest";
import { convertDownstreamCodec } from "../../../host/config/convert/codec";
import { configuredHead } from "../../../host/proxy/downstream/http1/configured-head";
import { StatsStore } from "../../../host/proxy/stats/store";
import { createUnderscoreStats } from "../../../host/proxy/underscores";
import { HeaderMap } from "../../../host/stores/header-map";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What is said of a request with these lines. */
function read(fields: readonly string[]) {
  const start = { method: "GET", target: "/", version: "1.1", fields: [...fields], hasBody: false };
  const stats = createUnderscoreStats(new StatsStore(), "http1");
  return configuredHead(start, false, convertDownstreamCodec({}), stats).refusal?.details;
}

test("a head of thousands of lines is refused without a look at all of them", () => {
  const added = vi.spyOn(HeaderMap.prototype, "add");
  expect(read(Array.from({ length: 30_000 }, (_, i) => (i % 2 === 0 ? "a" : "")))).toBe(
    "http1.too_many_headers",
  );
  expect(added.mock.calls.length).toBeLessThanOrEqual(100);
});

test("a connection header of thousands of names is refused without a search for any of them", () => {
  const removed = vi.spyOn(HeaderMap.prototype, "remove");
  const names = Array.from({ length: 20_000 }, (_, i) => `n${i}`).join(",");
  expect(read(["host", "a", "connection", names])).toBe("http1.connection_header_rejected");
  expect(removed).not.toHaveBeenCalled();
});
