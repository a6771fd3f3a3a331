import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../../host/formatter/format-error";
import { OPERATORS } from "../../../host/formatter/operators/table";
import { parseFormat } from "../../../host/formatter/parse";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fffffff);

/** Literals as they stand, operators as their place in the list. */
const shape = (format: string) => parseFormat(format).pieces.map((p) => (typeof p === "string" ? p : "<op>"));

function errorOf(format: string): FormatError | undefined {
  try {
    parseFormat(format);
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

describe("pieces of a format", () => {
  test.each<[string, string[]]>([
    ["", [""]],
    ["plain", ["plain"]],
    ["%%", ["%"]],
    ["a%%b%PROTOCOL%%%c", ["a%b", "<op>", "%c"]],
    ["%PROTOCOL%%PROTOCOL%", ["<op>", "<op>"]],
    ["%REQ(a)%)", ["<op>", ")"]],
    ["%START_TIME((%Y))%!", ["<op>", "!"]],
    ["%REQ(a):5%:6", ["<op>", ":6"]],
    ["ü", ["\u00c3\u00bc"]],
  ])("%s", (format, pieces) => expect(shape(format)).toEqual(pieces));

  test.each<[string, number]>([
    ["%", 0],
    ["ab%", 2],
    ["ü%FOO%", 2],
    ["%PROTOCOL% %REQ%", 11],
    ["%REQ(a\nb)%", 0],
    ["%REQ(a):%", 0],
    ["%REQ(a", 0],
    ["%A-B%", 0],
  ])("%j is wrong at byte %i", (format, position) => expect(errorOf(format)?.position).toBe(position));

  test("what operators need is known beforehand", () => {
    expect([...parseFormat("%PROTOCOL%").needs]).toEqual([]);
    expect([...parseFormat("%REQUEST_DURATION%").needs]).toEqual(["times"]);
    const nested = parseFormat(
      '%COALESCE({"operators":["UPSTREAM_HOSTS_ATTEMPTED","UPSTREAM_WIRE_BYTES_SENT"]})%',
    );
    expect([...nested.needs]).toEqual(["attempts", "bytes"]);
  });

  test("every operator says what it is", () => {
    expect(Object.entries(OPERATORS).filter(([, { about }]) => about === "")).toEqual([]);
  });
});

/** Envoy's own expression, which takes quadratic time. */
const REFERENCE = /^%([A-Z0-9_]+)(?:\((.*?)\))?(?::([0-9]+))?%/;

/** Where operators stand in a text, by that expression; undefined = refused. */
function reference(text: string): string[] | undefined {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    if (text[at] !== "%") at++;
    else if (text[at + 1] === "%") at += 2;
    else {
      const match = REFERENCE.exec(text.slice(at));
      if (!match) return undefined;
      found.push(match[0]);
      at += match[0].length;
    }
  }
  return found;
}

describe(`property tests (FUZZ_SEED=${seed})`, () => {
  const tokens = fc.constantFrom(
    "%",
    "%%",
    "REQ",
    "PROTOCOL",
    "START_TIME",
    "(",
    ")",
    ":",
    "12",
    "a",
    "?",
    "\n",
    "X",
  );
  const texts = fc.array(tokens, { maxLength: 14 }).map((parts) => parts.join(""));

  test("operators begin and end where Envoy's expression says", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const wanted = reference(text);
        const error = errorOf(text);
        const unreadable = error?.message.startsWith("there is no operator") ?? false;
        // An operator may be refused for itself before the end of the text is reached.
        if (error && !unreadable) return;
        expect(unreadable).toBe(wanted === undefined);
        if (!wanted) return;
        expect(shape(text).filter((piece) => piece === "<op>")).toHaveLength(wanted.length);
      }),
      { seed, numRuns: 3000 },
    );
  });

  test("no text does more than be refused", () => {
    const name = fc.constantFrom(...Object.keys(OPERATORS));
    const argument = fc.string({ maxLength: 30 });
    const format = fc
      .tuple(name, argument, fc.option(fc.nat({ max: 99 })))
      .map(([op, arg, length]) => `%${op}(${arg})${length === null ? "" : `:${length}`}%`);
    fc.assert(
      fc.property(fc.oneof(format, fc.string({ unit: "binary" })), (text) => {
        errorOf(text);
      }),
      { seed, numRuns: 3000 },
    );
  });

  test("long formats are read in one pass", () => {
    expect(errorOf(`%REQ(${")".repeat(1_000_000)}`)).toBeDefined();
    expect(errorOf(`%REQ(${"):1".repeat(300_000)}`)).toBeDefined();
    expect(parseFormat("%PROTOCOL%".repeat(100_000)).pieces).toHaveLength(100_000);
    expect(shape("%%".repeat(500_000))).toEqual(["%".repeat(500_000)]);
  });
});
