import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { loadTextGuest, type TextGuest } from "../support/text-guest";

let guest: TextGuest;
beforeAll(async () => {
  guest = await loadTextGuest();
});

/** A number as the guest writes it: the decimal of its 64 bits. */
class Bits {
  constructor(readonly number: number) {}

  asymmetricMatch(other: { bits: string }): boolean {
    const read = new Float64Array(new BigUint64Array([BigInt(other.bits)]).buffer)[0]!;
    return Object.is(read, this.number);
  }
}

/** What the guest writes for a value, by JSON.parse. */
function written(value: unknown): unknown {
  if (typeof value === "number") return new Bits(value);
  if (Array.isArray(value)) return value.map(written);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, written(item)]));
}

function check(source: string): void {
  expect(JSON.parse(guest.json(source))).toEqual(written(JSON.parse(source)));
}

/** Would JSON.parse hide something the guest refuses: NUL, half a pair, a repeated key? */
function isStrict(source: string): boolean {
  return !/\\u0000/.test(source) && source.isWellFormed();
}

describe("JSON", () => {
  test("reads what JSON.parse reads", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((key) => !key.includes("\0"));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(null, true, false),
        fc.double({ noNaN: true, min: -1.797e308, max: 1.797e308 }),
        fc.integer(),
        text,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(text, tie("value"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (tree, indent) => check(JSON.stringify(tree, null, indent))),
      { numRuns: 300 },
    );
  });

  test.each([
    ['"\\u0041\\n\\/\\ud83d\\ude00"', "escapes"],
    ["-0.5e-3", "exponents"],
    ["  [1 , 2\t]\r\n", "white space"],
    ["0", "zero"],
    ["5e-324", "the smallest number"],
    ["371.65567750509799", "the last digit decides"],
    ["2.2250738585072011e-308", "the largest number below the normal ones"],
    ["2.2250738585072014e-308", "the smallest normal number"],
    ["2.4703282292062327208e-324", "just below half of the smallest number"],
    ["2.4703282292062328e-324", "just above half of the smallest number"],
    ["9007199254740993", "half way, to even"],
    [`9007199254740993.${"0".repeat(900)}1`, "just above half way, told by digit 917"],
    [`0.${"0".repeat(400)}1e401`, "an exponent that zeros make up for"],
    ["9.007199254741002e+39", "where parseFloat of the standard library is wrong"],
    ["1.7976931348623157e308", "the largest number"],
    ["1.7976931348623159e308", "larger than the largest number"],
    ["1e100000000000", "an exponent of twelve digits"],
    ["-0", "minus zero"],
    ["1.797e308", "a large number"],
    ["123456789012345680000", "more digits than fit"],
  ])("%s: %s", (source) => check(source));

  test("every number reads as JSON.parse reads it", () => {
    const digits = fc
      .array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 40 })
      .map((list) => list.join("").replace(/^0+(?=.)/, ""));
    const made = fc
      .tuple(
        fc.constantFrom("", "-"),
        digits,
        fc.option(fc.stringMatching(/^\d{1,30}$/)),
        fc.integer({ min: -360, max: 330 }),
      )
      .map(([sign, whole, part, power]) => `${sign}${whole}${part === null ? "" : `.${part}`}e${power}`);
    // Half way between two doubles, written out; and a little beside it.
    const half = fc
      .tuple(
        fc.bigInt(2n ** 52n, 2n ** 53n - 1n),
        fc.integer({ min: 0, max: 960 }),
        fc.constantFrom("", ".0", ".1"),
      )
      .map(([bits, shift, rest]) => `${(bits * 2n + 1n) << BigInt(shift)}${rest}`);
    const small = fc
      .tuple(fc.bigInt(1n, 2n ** 54n), fc.integer({ min: 1, max: 1080 }))
      .map(([bits, shift]) => `${bits * 5n ** BigInt(shift)}e-${shift}`);
    const shortest = fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((number) => JSON.stringify(number));
    fc.assert(fc.property(fc.oneof(made, half, small, shortest), check), { numRuns: 5000 });
  });

  test.each([
    ["", "the text ends too early at line 1 column 1"],
    ["{", "expected a key in double quotes at line 1 column 2"],
    ['{"a":1,}', "expected a key in double quotes at line 1 column 8"],
    ['{"a" 1}', "expected ':' at line 1 column 6"],
    ['{\n  "a": 1,\n  "a": 2\n}', 'duplicate key "a" at line 3 column 6'],
    ["[1,]", "unexpected character at line 1 column 4"],
    ["[1 2]", "expected ',' or ']' at line 1 column 4"],
    ["01", "unexpected text after the value at line 1 column 2"],
    ["1.", "expected a digit at line 1 column 3"],
    ["1e", "expected a digit at line 1 column 3"],
    ["-", "expected a digit at line 1 column 2"],
    ["+1", "unexpected character at line 1 column 1"],
    ["nul", "unexpected character at line 1 column 1"],
    ['"a', "a string is not closed at line 1 column 3"],
    ['"a\nb"', "control character in a string at line 1 column 3"],
    ['"\\x"', "bad escape in a string at line 1 column 4"],
    ['"\\u00g0"', "bad escape in a string at line 1 column 6"],
    ['"\\u0000"', "NUL in a string at line 1 column 8"],
    ['"\0"', "control character in a string at line 1 column 2"],
    ['"\\ud800"', "half a surrogate pair in a string at line 1 column 9"],
    ['"\\ud800x"', "half a surrogate pair in a string at line 1 column 9"],
    ['"\\udc00"', "half a surrogate pair in a string at line 1 column 8"],
    // The SDK shows the byte ff as U+DCFF.
    ['"\udcff"', "not UTF-8 at line 1 column 3"],
    ["\0", "unexpected character at line 1 column 1"],
    ["1 \0", "unexpected text after the value at line 1 column 3"],
    ["[".repeat(70), "nested deeper than 64 at line 1 column 66"],
  ])("refuses %j", (source, why) => {
    expect(guest.json(source)).toBe(`error: not JSON: ${why}`);
  });

  test("limits: 64 levels are fine, four million characters are too many", () => {
    check(`${"[".repeat(64)}1${"]".repeat(64)}`);
    expect(guest.json(" ".repeat(4_194_305))).toBe("error: JSON text is over 4 Mi characters");
    const members = Array.from({ length: 4097 }, (_, i) => `"${i}":0`);
    expect(guest.json(`{${members.join()}}`)).toContain("an object of more than 4096 members");
  });

  test("agrees with JSON.parse on whether a text is JSON, and never traps", () => {
    const pieces = fc
      .array(
        fc.constantFrom(
          "{",
          "}",
          "[",
          "]",
          ":",
          ",",
          '"',
          '"a"',
          "\\",
          "\\u12",
          "1",
          "-",
          ".",
          "e",
          "true",
          "null",
          " ",
          "\n",
          "\u0001",
          "\ud83d",
          "\ude00",
          "é",
        ),
        { maxLength: 14 },
      )
      .map((parts) => parts.join(""));
    const source = fc.oneof(
      pieces,
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.json().map((text) => text.slice(0, -1)),
    );
    fc.assert(
      fc.property(source, (text) => {
        const result = guest.json(text);
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (!valid) expect(result).toMatch(/^error: not JSON: /);
        else if (isStrict(text) && !result.includes("duplicate key")) check(text);
      }),
      { numRuns: 2000 },
    );
  });
});
