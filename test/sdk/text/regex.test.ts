import fc from "fast-check";
import { RE2JS } from "re2js";
import { beforeAll, describe, expect, test } from "vitest";
import { loadTextGuest, type TextGuest } from "../support/text-guest";

let guest: TextGuest;
beforeAll(async () => {
  guest = await loadTextGuest();
});

/** Does RE2 match the whole text? Undefined when it refuses the expression. */
function reference(pattern: string): ((text: string) => boolean) | undefined {
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.matches(text);
  } catch {
    return undefined;
  }
}

/** Pieces that make most texts an expression, and some not. */
const atom = fc.constantFrom(
  "a",
  "b",
  "K",
  "s",
  "é",
  "😀",
  ".",
  "\\.",
  "\\d",
  "\\W",
  "\\w",
  "\\S",
  "\\b",
  "\\B",
  "^",
  "$",
  "\\A",
  "\\z",
  "[ab]",
  "[^a]",
  "[a-c\\d]",
  "[^\\w]",
  "[]a]",
  "[a-]",
  "[[:alpha:]]",
  "[[:^digit:]_]",
  "\\x41",
  "\\x{1F600}",
  "\\n",
  "\\-",
  "/",
  "-",
  "\\Qa.b\\E",
  "\\101",
  "[é-ü]",
  "{",
  "}",
  "{,2}",
);
const operator = fc.constantFrom("", "", "", "*", "+", "?", "*?", "+?", "{2}", "{0,2}", "{1,}", "{0}");
const pattern = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.tuple(atom, operator).map(([a, o]) => a + o),
    fc.array(tie("node"), { maxLength: 3 }).map((parts) => parts.join("")),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => `${a}|${b}`),
    fc
      .tuple(
        fc.constantFrom("(", "(?:", "(?i:", "(?s:", "(?m:", "(?P<n>", "(?<m>", "(?-s:"),
        tie("node"),
        operator,
      )
      .map(([open, a, o]) => `${open}${a})${o}`),
  ),
})).node;
const subject = fc
  .array(
    fc.constantFrom(
      "a",
      "b",
      "c",
      "A",
      "K",
      "k",
      "s",
      "\u017f",
      "\u212a",
      "é",
      "ö",
      "😀",
      "1",
      "_",
      "-",
      ".",
      "/",
      " ",
      "\n",
      "{",
      "a.b",
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

describe("regular expressions", () => {
  test("match what RE2 matches", () => {
    let compared = 0;
    fc.assert(
      fc.property(pattern, fc.array(subject, { minLength: 4, maxLength: 8 }), (source, texts) => {
        const expected = reference(source);
        const error = guest.compile(source);
        if (expected === undefined) expect(error).not.toBe("");
        // Not supported, and said so.
        else if (error !== "") expect(error).toMatch(/beyond ASCII|in a row/);
        else {
          for (const text of texts)
            expect([source, text, guest.matches(text)]).toEqual([source, text, expected(text)]);
          compared++;
        }
      }),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(1000);
  });

  test("a flag holds to the end of its group", () => {
    guest.compile("a(?i)b|c(?-i:d)");
    expect(["ab", "aB", "cd", "Cd", "cD", "AB"].filter((text) => guest.matches(text))).toEqual([
      "ab",
      "aB",
      "cd",
      "Cd",
    ]);
    guest.compile("(a(?i)b)c");
    expect(["abc", "aBc", "abC"].filter((text) => guest.matches(text))).toEqual(["abc", "aBc"]);
  });

  test("bytes that are not UTF-8 match nothing, not even a dot", () => {
    guest.compile("(?s).*");
    expect(guest.matches("a\udcffb")).toBe(false);
    expect(guest.matches("a\ud83d\ude00b")).toBe(true);
    guest.compile("[^a]");
    expect(guest.matches("\udc80")).toBe(false);
  });

  test.each([
    ["(a", "missing ) at offset 2"],
    ["a)", "unmatched ) at offset 1"],
    ["*a", "nothing to repeat at offset 1"],
    ["a|*", "nothing to repeat at offset 3"],
    ["a**", "two repetition operators in a row at offset 3"],
    ["a{1001}", "bad repetition count at offset 7"],
    ["a{3,2}", "bad repetition count at offset 6"],
    ["[a", "missing ] at offset 2"],
    ["[b-a]", "bad range at offset 4"],
    ["[[:what:]]", "unknown [:class:] at offset 1"],
    ["(?=a)", "unsupported group (only (?:...), flags i, s, m, U and names) at offset 3"],
    ["(?<!a)", "bad or repeated group name at offset 3"],
    ["(?P<n>a)(?P<n>b)", "bad or repeated group name at offset 12"],
    ["(?-)", "bad flags at offset 4"],
    ["(a)\\1", "back-references are not supported at offset 5"],
    ["\\pL", "Unicode classes are not supported at offset 1"],
    ["\\C", "unsupported escape at offset 2"],
    ["\\", "nothing after a backslash at offset 1"],
    ["\\x{110000}", "bad hexadecimal escape at offset 9"],
    ["\\xg0", "bad hexadecimal escape at offset 2"],
    ["(?i)é", "characters beyond ASCII are not supported under (?i) at offset 5"],
    ["a\udcff", "not UTF-8 at offset 2"],
    ["(a{1000}){5}", "the expression is too large"],
    ["(".repeat(101) + ")".repeat(101), "nested deeper than 100 at offset 100"],
  ])("refuses %s", (source, why) => {
    expect(guest.regexError(source)).toBe(why);
    guest.compile(source);
    expect(guest.matches("a")).toBe(false);
  });

  test("time is linear: what makes backtracking explode does not", () => {
    for (const source of ["(a*)*b", "(a|a)*b", "(a?){200}a{200}b", "(.*)(.*)(.*)(.*)c", "(x+x+)+y"]) {
      expect(guest.compile(source)).toBe("");
      const start = performance.now();
      expect(guest.matches("a".repeat(20_000))).toBe(false);
      // Hours when it is exponential; a fraction of a second when it is not.
      expect(performance.now() - start).toBeLessThan(10_000);
    }
  });

  test("never traps, whatever the expression and the text", () => {
    const any = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc
        .array(fc.constantFrom(..."()[]{}*+?|^$.\\-:,<>Pimsx01259ab\udcff\ud800é"), { maxLength: 14 })
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(any, any, (source, text) => {
        const error = guest.compile(source);
        const matched = guest.matches(text);
        if (error !== "") expect(matched).toBe(false);
        if (source.isWellFormed() && reference(source) === undefined)
          expect([source, error]).not.toEqual([source, ""]);
      }),
      { numRuns: 3000 },
    );
  });
});
