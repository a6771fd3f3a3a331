import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseBootstrap } from "../../../host/config/index";

const HELLO = readFileSync(new URL("../../../examples/hello/envoy.yaml", import.meta.url), "utf8");

/** What the one unsupported field of a file is said to be. */
function said(from: string, to: string): string {
  expect(HELLO).toContain(from);
  const { warnings } = parseBootstrap(
    HELLO.replace(from, () => to),
    "f.yaml",
    { lenient: true },
  );
  expect(warnings).toHaveLength(1);
  return warnings[0]!.message.replace("not supported by the node engine", "");
}

const CASES: [what: string, from: string, to: string, hint: string][] = [
  [
    "two letters swapped",
    "port_value: 8080",
    "port_value: 8080, prot_value: 1",
    "; did you mean port_value?",
  ],
  ["camelCase", "port_value: 8080", "port_value: 8080, prtoValue: 1", "; did you mean port_value?"],
  ["a letter too many", "type: STATIC", "type: STATIC\n      lb_pollicy: x", "; did you mean lb_policy?"],
  [
    "inside a typed_config",
    "stat_prefix: http",
    "stat_prefix: http\n                codec_typ: x",
    "; did you mean codec_type?",
  ],
  [
    "in a filter chosen by its @type",
    "http.router.v3.Router",
    "http.router.v3.Router\n                      suppress_envoy_header: true",
    "; did you mean suppress_envoy_headers?",
  ],
  ["at the top", "admin:", "nod: {}\nadmin:", "; did you mean node?"],
  ["nothing like it", "type: STATIC", "type: STATIC\n      eds_cluster_config: {}", ""],
  ["a field of another message", "type: STATIC", "type: STATIC\n      prot_value: 1", ""],
  [
    "Envoy's own field that differs in a digit",
    "stat_prefix: http",
    "stat_prefix: http\n                http3_protocol_options: {}",
    "",
  ],
  ["a very long name", "type: STATIC", `type: STATIC\n      ${"x".repeat(500)}: 1`, ""],
];

test.each(CASES)("did you mean: %s", (_, from, to, hint) => {
  expect(said(from, to)).toBe(hint);
});
