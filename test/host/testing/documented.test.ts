import { expect, test } from "vitest";
import { startHost } from "../../../host/testing/vitest";

// docs/testing.md shows this test, test/contract/docs.test.ts checks that.
test("adds a header each way", async () => {
  const host = await startHost({ plugins: { module: "examples/hello" } });
  const exchange = host.request({ path: "/x", headers: { "user-agent": "curl/8" } });
  expect(exchange).toBeForwarded();
  expect(exchange.forwarded.headers?.get("x-ua-len")).toBe("6");
  exchange.respond({ body: "hi" });
  expect(exchange.response.headers?.get("x-hello")).toBe("world");
});
