import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { operatorTable } from "../../../host/formatter/docs";

const FILE = new URL("../../../docs/access-logs.md", import.meta.url);
const MARK = "<!-- operators -->\n";

test("the table of operators in docs/access-logs.md is the formatter's", () => {
  const [before] = readFileSync(FILE, "utf8").split(MARK);
  const wanted = `${before}${MARK}${operatorTable()}\n`;
  if (process.env.UPDATE_DOCS) writeFileSync(FILE, wanted);
  expect(readFileSync(FILE, "utf8")).toBe(wanted);
});
