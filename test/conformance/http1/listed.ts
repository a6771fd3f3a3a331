import { readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("../../../docs/envoy-differences.md", import.meta.url);

/** A line of the list: what is sent, what both do, why it matters. */
export interface Listed {
  name: string;
  envoy: string;
  node: string;
  why: string;
}

/**
 * The list in docs/envoy-differences.md between `<!-- begin NAME -->` and its end, and what it should be. `UPDATE_DOCS=1`
 * writes it.
 */
export function listInDocs(name: string, cases: readonly Listed[]): { found: string; wanted: string } {
  const text = readFileSync(FILE, "utf8");
  const [begin, end] = [`<!-- begin ${name} -->\n`, `<!-- end ${name} -->`];
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  const lines = cases.map(({ name, envoy, node, why }) => `| ${name} | ${envoy} | ${node} | ${why} |\n`);
  const wanted = `| sent | Envoy | Node engine | why it matters |\n| --- | --- | --- | --- |\n${lines.join("")}`;
  if (process.env.UPDATE_DOCS) writeFileSync(FILE, text.slice(0, from) + wanted + text.slice(to));
  return { found: process.env.UPDATE_DOCS ? wanted : text.slice(from, to), wanted };
}
