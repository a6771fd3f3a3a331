import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { PROPERTIES } from "../../host/stores/property-table";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What the SDK shows in another way: header maps, the same number twice, a message with getters of its own. */
const ELSEWHERE = [
  "connection_id",
  "request.headers",
  "response.headers",
  "response.trailers",
  "metadata",
  "filter_state",
  "upstream_filter_state",
  "xds.node",
];

test("the SDK has a typed getter for every attribute the host knows", () => {
  const files = globSync("sdk/{attributes,contexts}/*.ts", { cwd: root });
  const source = files.map((file) => readFileSync(`${root}/${file}`, "utf8")).join("");
  const shows = (path: string) => {
    const [space, name] = path.split(".");
    return [`"${path}"`, `"${space}", "${name}"`, `metadataOf("${name}")`].some((text) =>
      source.includes(text),
    );
  };
  const all = Object.entries(PROPERTIES).flatMap(([name, row]) =>
    typeof row === "function" ? [name] : Object.keys(row).map((key) => `${name}.${key}`),
  );
  const paths = all.filter((path) => !ELSEWHERE.includes(path));
  expect(paths.length).toBeGreaterThan(50);
  expect(paths.filter((path) => !shows(path))).toEqual([]);
});
