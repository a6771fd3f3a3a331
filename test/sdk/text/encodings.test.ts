import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { loadTextGuest, type TextGuest } from "../support/text-guest";

let guest: TextGuest;
beforeAll(async () => {
  guest = await loadTextGuest();
});

const anyText = fc.string({ unit: "binary", maxLength: 24 });
const anyBytes = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
/** Pieces of well-formed and broken UTF-8 side by side. */
const nearlyUtf8 = fc
  .array(
    fc.constantFrom(
      "a",
      "\xc3\xa9",
      "\xe2\x82\xac",
      "\xf0\x9f\x98\x80",
      "\xed\xa0\x80",
      "\xc0\xaf",
      "\xf4\x90\x80\x80",
      "\xe2\x82",
      "\xff",
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.from(parts.join(""), "latin1"));
const someBytes = fc.oneof(
  anyBytes,
  nearlyUtf8,
  anyText.map((text) => Buffer.from(text)),
);

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** A text as the SDK reads it: UTF-8, and every byte that is not as a lone surrogate. */
function sdkText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const size = [1, 2, 3, 4].find((n) => at + n <= bytes.length && isUtf8(bytes.subarray(at, at + n)));
    text += size
      ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(at, at + size))
      : String.fromCharCode(0xdc00 | bytes[at]!);
    at += size ?? 1;
  }
  return text;
}

describe("base64", () => {
  test("is written as Node writes it, and read back", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const latin1 = bytes.toString("latin1");
        expect(guest.toBase64(latin1)).toBe(bytes.toString("base64"));
        expect(guest.toBase64Url(latin1)).toBe(bytes.toString("base64url"));
        expect(guest.fromBase64(bytes.toString("base64"))).toBe(latin1);
        expect(guest.fromBase64Url(bytes.toString("base64url"))).toBe(latin1);
      }),
    );
  });

  test("what is not canonical is refused", () => {
    const sign = fc.constantFrom(..."AQgw/+-_=Zz09 ", "\u00e9");
    const text = fc.array(sign, { maxLength: 9 }).map((signs) => signs.join(""));
    fc.assert(
      fc.property(fc.oneof(text, anyText), (source) => {
        for (const [kind, read] of [
          ["base64", guest.fromBase64],
          ["base64url", guest.fromBase64Url],
        ] as const) {
          const bytes = Buffer.from(source, kind);
          const wanted = bytes.toString(kind) === source ? bytes.toString("latin1") : "<none>";
          expect([kind, source, read(source)]).toEqual([kind, source, wanted]);
        }
      }),
      { numRuns: 2000 },
    );
    for (const bad of ["QQ", "QQ=", "QR==", "QUI", "QUJ=", "Q===", "====", "QQ==QQ==", "Q Q=", "QQ\n="])
      expect([bad, guest.fromBase64(bad)]).toEqual([bad, "<none>"]);
  });
});

describe("UTF-8", () => {
  test("bytes are UTF-8 when TextDecoder says so", () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        expect(guest.utf8(bytes.toString("latin1"))).toBe(isUtf8(bytes));
        expect(guest.unicode(sdkText(bytes))).toBe(isUtf8(bytes));
      }),
    );
  });

  test("a text is Unicode when it is well formed", () => {
    const unit = fc.constantFrom("a", "\ud83d", "\ude00", "\udcff", "\u20ac");
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 5 }), (units) => {
        const text = units.join("");
        expect(guest.unicode(text)).toBe(text.isWellFormed());
      }),
    );
  });
});

describe("percent-encoding", () => {
  test("%XX becomes its byte", () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        const text = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
        expect(guest.decodePercent(text)).toBe(sdkText(bytes));
        expect(guest.decodePercent(text.toUpperCase())).toBe(sdkText(bytes));
        expect(guest.decodePercent(guest.encodePercent(sdkText(bytes)))).toBe(sdkText(bytes));
      }),
    );
    expect(guest.decodePercent("a%41b+\u00e9")).toBe("aAb+\u00e9");
  });

  test("anything else after a % is refused, and nothing traps", () => {
    for (const bad of ["%", "%4", "%g0", "a%4g"]) expect(guest.decodePercent(bad)).toBe("<none>");
    fc.assert(fc.property(anyText, (text) => void [guest.decodePercent(text), guest.encodePercent(text)]));
  });

  test("everything but letters, digits and -._~ is encoded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
        const wanted = encodeURIComponent(text.toWellFormed()).replace(
          /[!'()*]/g,
          (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
        );
        expect(guest.encodePercent(text.toWellFormed())).toBe(wanted);
      }),
    );
  });
});

describe("query parameters", () => {
  // ASCII only: Node's own URLSearchParams loses other letters beside a stray %.
  const sign = fc.constantFrom(..."ab=&+?", "%41", "%", "%e2%82%ac", "%2");
  const query = fc.array(sign, { maxLength: 12 }).map((signs) => signs.join(""));

  test("are those of URLSearchParams, but that bytes which are not UTF-8 are not lost", () => {
    fc.assert(
      fc.property(query, fc.constantFrom("a", "b", "", "A", "ab"), (text, name) => {
        const wanted = new URLSearchParams(text.startsWith("?") ? `?${text}` : text);
        const target = `/p?${text}#a=1`;
        const lines = [...wanted].map(([key, value]) => `${key}\n${value}\n`).join("");
        expect(guest.parameters(target).toWellFormed()).toBe(lines);
        expect(guest.parameter(target, name).toWellFormed()).toBe(wanted.get(name) ?? "<none>");
        expect(guest.allOf(target, name).toWellFormed()).toBe(wanted.getAll(name).join("\n"));
      }),
      { numRuns: 1000 },
    );
  });

  test("bytes that are not UTF-8 stay what they are; no query has none; nothing traps", () => {
    expect(guest.parameter("/?a=%ff%41", "a")).toBe("\udcffA");
    expect(guest.parameters("/a&b=c")).toBe("");
    expect(guest.parameters("/#?a=1")).toBe("");
    fc.assert(fc.property(anyText, (text) => void guest.parameters(`?${text}`)));
  });
});
