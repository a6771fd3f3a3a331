import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { loadTextGuest, type TextGuest } from "../support/text-guest";

let guest: TextGuest;
beforeAll(async () => {
  guest = await loadTextGuest();
});

const anyText = fc.string({ unit: "binary", maxLength: 24 });

describe("durations", () => {
  test.each([
    ["1.5s", 1_500_000_000n],
    ["300ms", 300_000_000n],
    ["1h2m", 3_720_000_000_000n],
    ["0.001s", 1_000_000n],
    ["1.001s", 1_001_000_000n],
    ["0s", 0n],
    [".5s", 500_000_000n],
    ["5.s", 5_000_000_000n],
    ["2us", 2_000n],
    ["2µs", 2_000n],
    ["7ns", 7n],
    ["1.9ns", 2n],
    ["2562047h", -1n],
    ["", -1n],
    ["5", -1n],
    ["s", -1n],
    [".s", -1n],
    ["1..5s", -1n],
    ["-1s", -1n],
    ["1 s", -1n],
    ["1S", -1n],
    ["1d", -1n],
    ["1s ", -1n],
    ["1e3s", -1n],
  ])("%j is %d ns", (text, nanos) => {
    expect(guest.duration(text)).toBe(nanos);
  });

  test("whole milliseconds are exact in every unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000_000 }), (ms) => {
        expect(guest.duration(`${ms}ms`)).toBe(BigInt(ms) * 1_000_000n);
        expect(guest.duration(`${(ms / 1000).toFixed(3)}s`)).toBe(BigInt(ms) * 1_000_000n);
      }),
    );
  });

  test("never traps", () => {
    fc.assert(fc.property(anyText, (text) => void guest.duration(text)));
  });
});

describe("addresses", () => {
  const v4 = fc.ipV4();
  const v6 = fc.ipV6();

  test("what Node takes for an address is one, and nothing else", () => {
    const near = fc
      .array(fc.constantFrom("1", "255", "256", "01", ".", ":", "::", "f", "ffff", "g", "0"), {
        maxLength: 12,
      })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(v4, v6, near, anyText), (text) => {
        const family = text.includes("%") ? 0 : isIP(text);
        expect([text, guest.ip(text) !== "<none>"]).toEqual([text, family !== 0]);
      }),
      { numRuns: 2000 },
    );
  });

  test("blocks hold what Node's BlockList holds", () => {
    const pair = fc.oneof(
      fc.tuple(v4, fc.oneof(v4, fc.constant("")), fc.integer({ min: 0, max: 32 })),
      fc.tuple(v6, fc.oneof(v6, fc.constant("")), fc.integer({ min: 0, max: 128 })),
    );
    // Addresses of one block differ late, so that both answers come up.
    const near = fc.tuple(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 30, max: 32 }),
    );
    const check = (network: string, address: string, prefix: number) => {
      const list = new BlockList();
      const family = isIP(network) === 4 ? "ipv4" : "ipv6";
      list.addSubnet(network, prefix, family);
      expect(guest.inBlock(`${network}/${prefix}`, address)).toBe(Number(list.check(address, family)));
    };
    fc.assert(
      fc.property(pair, ([network, other, prefix]) => {
        if (network.startsWith("::ffff:")) return;
        check(network, other || network, prefix);
      }),
    );
    fc.assert(fc.property(near, ([a, b, prefix]) => check(`10.0.0.${a}`, `10.0.0.${b}`, prefix)));
  });

  test.each([
    ["10.0.0.0/8", "10.255.1.2", 1],
    ["10.0.0.0/8", "11.0.0.1", 0],
    ["10.1.2.3", "10.1.2.3", 1],
    ["10.1.2.3", "10.1.2.4", 0],
    ["10.1.2.3/8", "10.9.9.9", 1],
    ["0.0.0.0/0", "1.2.3.4", 1],
    ["10.0.0.0/8", "::ffff:10.1.1.1", 1],
    ["::/0", "1.2.3.4", 0],
    ["0.0.0.0/0", "::1", 0],
    ["2001:db8::/32", "2001:db8:1::1", 1],
    ["2001:db8::/65", "2001:db8:0:0:8000::", 0],
    ["::1", "::1", 1],
    ["::ffff:10.0.0.0/104", "10.1.1.1", -1],
    ["10.0.0.0/33", "10.0.0.1", -1],
    ["10.0.0.0/", "10.0.0.1", -1],
    ["10.0.0.0/08", "10.0.0.1", -1],
    ["10.0.0/8", "10.0.0.1", -1],
    ["10.0.0.0/8/8", "10.0.0.1", -1],
    ["fe80::1%eth0/64", "fe80::1", -1],
    ["", "10.0.0.1", -1],
  ])("%s and %s: %d", (block, address, expected) => {
    expect(guest.inBlock(block, address)).toBe(expected);
  });

  test.each([
    ["10.1.2.3:80", "10.1.2.3"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["[::ffff:10.1.2.3]:443", "10.1.2.3"],
    ["[fe80::1%2]:443", "fe80::1"],
  ])("%s is the peer %s", (text, ip) => {
    expect(guest.address(text)).toBe(guest.ip(ip));
  });

  test("a text without port, or a socket's path, is no peer; nothing traps", () => {
    for (const text of ["10.1.2.3", "/tmp/socket", "", ":", "[]:1", "x:1"])
      expect(guest.address(text)).toBe("<none>");
    fc.assert(fc.property(anyText, anyText, (a, b) => void [guest.address(a), guest.inBlock(a, b)]));
  });
});

describe("patterns with a star", () => {
  const short = fc
    .array(fc.constantFrom("a", "B", "b", "*", "/", "é"), { maxLength: 4 })
    .map((parts) => parts.join(""));

  test("exact, prefix, suffix and any; other stars are ordinary", () => {
    const lower = (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());
    fc.assert(
      fc.property(short, short, fc.boolean(), (pattern, text, ignoreCase) => {
        const [p, t] = ignoreCase ? [lower(pattern), lower(text)] : [pattern, text];
        const expected =
          p === "*" ||
          (p.startsWith("*")
            ? t.endsWith(p.slice(1))
            : p.endsWith("*")
              ? t.startsWith(p.slice(0, -1))
              : t === p);
        expect([pattern, text, guest.glob(pattern, ignoreCase, text)]).toEqual([pattern, text, expected]);
      }),
      { numRuns: 1000 },
    );
  });

  test("only ASCII letters fold", () => {
    expect(guest.lower("ÀBÇ-Xyz\udcff")).toBe("ÀbÇ-xyz\udcff");
    expect(guest.sameIgnoringCase("K", "\u212a")).toBe(false);
    expect(guest.glob("É", true, "é")).toBe(false);
  });
});

describe("URLs", () => {
  test("path and first value of a parameter", () => {
    expect(guest.path("/a?b#c")).toBe("/a");
    expect(guest.path("/a#b?c")).toBe("/a");
    expect(guest.path("*")).toBe("*");
    const cases: [string, string, string][] = [
      ["/?k=1&k=2", "k", "1"],
      ["/?k", "k", ""],
      ["/?k=", "k", ""],
      ["/?kk=1&k=2", "k", "2"],
      ["/?a=k&k=%20", "k", "%20"],
      ["/?a=b=c", "a", "b=c"],
      ["/?&&k=1&", "k", "1"],
      ["/k=1", "k", "<none>"],
      ["/?a=1#&k=2", "k", "<none>"],
      ["/#?k=1", "k", "<none>"],
      ["/?a&b", "b", ""],
    ];
    for (const [target, name, value] of cases)
      expect([target, guest.query(target, name)]).toEqual([target, value]);
  });

  test("parameters are those of URLSearchParams, undecoded", () => {
    const part = fc
      .array(fc.constantFrom("a", "b", "=", "1"), { maxLength: 3 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), fc.constantFrom("a", "b", "ab", "1"), (parts, name) => {
        const expected = new URLSearchParams(parts.join("&")).get(name) ?? "<none>";
        expect(guest.query(`/x?${parts.join("&")}`, name)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  test("never traps", () => {
    fc.assert(fc.property(anyText, anyText, (a, b) => void [guest.query(a, b), guest.path(a)]));
  });
});
