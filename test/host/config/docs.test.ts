import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configurationTable } from "../../../host/config/docs";

const FILE = new URL("../../../docs/configuration.md", import.meta.url);
const INTRO = `# Configuration

The one configuration language is Envoy's v3 bootstrap, YAML or JSON. This table is generated from the schemas the Node
engine validates with (\`UPDATE_DOCS=1 npx vitest run --project unit test/host/config/docs.test.ts\`). A field that is not
here is an error that names file, line, column and path; \`--lenient\` makes it a warning. Field names may also be written in
lowerCamelCase. \`--substitute\` puts this package's filters in the place of Envoy's own \`rbac\`, \`fault\` and \`local_ratelimit\`,
which are not here. "required" means: when the message around it is there.

`;

test("docs/configuration.md is what the schemas say", () => {
  const wanted = `${INTRO}${configurationTable()}\n`;
  if (process.env.UPDATE_DOCS) writeFileSync(FILE, wanted);
  expect(readFileSync(FILE, "utf8")).toBe(wanted);
});
