import { expect } from "vitest";
import { conformance } from "../support/conformance";

conformance("Header maps", ({ behaviour }) => {
  behaviour(
    "get answers the first of several values",
    { script: "on request_headers\n a = get 0 x-a" },
    async (b) => {
      await b.exchange({
        headers: [
          ["x-a", "1"],
          ["x-a", "2"],
        ],
      });
      expect(await b.logged("a")).toBe("0 1");
    },
  );
});
