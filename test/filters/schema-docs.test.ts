import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fieldTables, type Schema } from "./support/schema-table";

const root = new URL("../../", import.meta.url);

/** Filters that have such a page; the first run with UPDATE_DOCS writes what an empty one lacks. */
const filters = globSync("filters/*/FIELDS.md", { cwd: root }).map((file) => file.split(/[/\\]/)[1]!);

test.each(filters)("FIELDS.md of %s is what its schema says", (filter) => {
  const page = new URL(`filters/${filter}/FIELDS.md`, root);
  const schema = JSON.parse(readFileSync(new URL(`filters/${filter}/schema.json`, root), "utf8")) as Schema;
  const text = fieldTables(filter, schema);
  if (process.env.UPDATE_DOCS) writeFileSync(page, text);
  expect(existsSync(page) && readFileSync(page, "utf8")).toBe(text);
  for (const name of Object.keys(schema.properties!)) expect(text).toContain(`| \`${name}\` |`);
});
