import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBootstrap } from "../../../host/config/index";
import { ConfigError, UsageError } from "../../../host/errors";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fffffff);
const valid = readFileSync(new URL("../../../examples/sidecar/envoy.yaml", import.meta.url), "utf8");

/** Runs the parser; anything but its own two errors is a defect. */
function survives(text: string, file: string, set: string[] = []): void {
  try {
    parseBootstrap(text, file, { set });
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof UsageError)) throw error;
    expect(error.message).not.toBe("");
  }
}

test(`no text breaks the parser (FUZZ_SEED=${seed})`, () => {
  const options = { seed, numRuns: 300 };
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: "binary" }), (text) => survives(text, "f.yaml")),
    options,
  );
  fc.assert(
    fc.property(fc.json(), (text) => survives(text, "f.json")),
    options,
  );
});

test(`no mutation of a good file breaks the parser (FUZZ_SEED=${seed})`, () => {
  const piece = fc.constantFrom(
    "",
    ":",
    "- ",
    "{",
    "}",
    "[",
    '"',
    "null",
    "-1",
    "1e99",
    "\t",
    "*a",
    "&a ",
    "\0",
    "prefix",
  );
  fc.assert(
    fc.property(fc.nat(valid.length), fc.nat(12), piece, (at, cut, text) =>
      survives(valid.slice(0, at) + text + valid.slice(at + cut), "f.yaml"),
    ),
    { seed, numRuns: 150 },
  );
});

test(`no --set breaks the parser (FUZZ_SEED=${seed})`, () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => survives("node: { id: a }", "f.yaml", [text])),
    { seed, numRuns: 300 },
  );
});
