import { instantiate } from "@assemblyscript/loader";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../support/compile";

interface Guest {
  copied(message: Uint8Array): Buffer;
  written(text: string, number: bigint, yes: boolean, real: number): Buffer;
  numeral(value: number): string;
}

let guest: Guest;
beforeAll(async () => {
  const options = ["--runtime", "minimal", "--exportRuntime", "-O2"];
  const { exports } = await instantiate(await compile("test/sdk/guests/message.ts", options));
  const { __newString, __getString, copied, written, numeral } = exports as unknown as {
    __newString(text: string): number;
    __getString(pointer: number): string;
    copied(message: number): number;
    written(text: number, number: bigint, yes: boolean, real: number): number;
    numeral(value: number): number;
  };
  const bytes = (pointer: number) => Buffer.from(__getString(pointer), "latin1");
  guest = {
    copied: (message) => bytes(copied(__newString(Buffer.from(message).toString("latin1")))),
    written: (text, number, yes, real) => bytes(written(__newString(text), number, yes, real)),
    numeral: (value) => __getString(numeral(value)),
  };
});

const field = fc.integer({ min: 1, max: 0x1fffffff });
const fields = fc.array(
  fc.oneof(
    fc.tuple(field, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    fc.tuple(field, fc.uint8Array({ maxLength: 200 })),
    fc.tuple(field, fc.double({ noNaN: true })),
  ),
  { maxLength: 8 },
);

describe("messages", () => {
  test("fields are read and written as the protobuf library does", () => {
    fc.assert(
      fc.property(fields, (all) => {
        const writer = new BinaryWriter();
        for (const [number, value] of all) {
          if (typeof value === "bigint") writer.tag(number, WireType.Varint).int64(value);
          else if (typeof value === "number") writer.tag(number, WireType.Bit64).double(value);
          else writer.tag(number, WireType.LengthDelimited).bytes(value);
        }
        const message = writer.finish();
        expect(guest.copied(message)).toEqual(Buffer.from(message));
      }),
    );
  });

  test("defaults are left out", () => {
    expect(guest.written("", 0n, false, 0)).toHaveLength(0);
    const reader = new BinaryReader(guest.written("\u00e9", -1n, true, -0.5));
    expect(reader.tag()).toEqual([1, WireType.LengthDelimited]);
    expect(reader.string()).toBe("\u00e9");
    expect(reader.tag()).toEqual([2, WireType.Varint]);
    expect(reader.int64()).toBe(-1n);
    expect(reader.tag()).toEqual([3, WireType.Varint]);
    expect(reader.bool()).toBe(true);
    expect(reader.tag()).toEqual([300, WireType.Bit64]);
    expect(reader.double()).toBe(-0.5);
    expect(reader.pos).toBe(reader.len);
  });

  test("a damaged message ends early and never traps", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void guest.copied(bytes)));
    for (const bad of [
      "\x08",
      "\x0a\x05abc",
      "\x00\x01",
      "\x0b",
      "\x09\x01",
      `\x08${"\xff".repeat(11)}`,
      "\x0a\xff\xff\xff\xff\x0f",
    ])
      expect(guest.copied(Buffer.from(bad, "latin1")).toString()).toBe("failed");
  });
});

describe("numbers as JSON text", () => {
  test("read as the same double", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(JSON.parse(guest.numeral(value))).toBe(Object.is(value, -0) ? 0 : value);
      }),
      { numRuns: 2000 },
    );
    for (const value of [
      5e-324,
      1.7976931348623157e308,
      0.30000000000000004,
      2 ** 53,
      1e21,
      1e22,
      123456789012345680,
    ])
      expect(JSON.parse(guest.numeral(value))).toBe(value);
  });

  test("with at most 15 digits they are what was typed", () => {
    const typed = fc.tuple(fc.integer({ min: 0, max: 999_999_999_999_999 }), fc.nat(9));
    fc.assert(
      fc.property(typed, ([whole, places]) => {
        const value = Number(`${whole}e-${places}`);
        if (!String(value).includes("e")) expect(guest.numeral(value)).toBe(String(value));
      }),
    );
    for (const text of ["0", "1", "-1", "0.5", "-0.25", "100", "0.001", "12.34", "999999999999999", "0.1"])
      expect(guest.numeral(Number(text))).toBe(text);
    expect(guest.numeral(Number.NaN)).toBe("NaN");
    expect(guest.numeral(Number.POSITIVE_INFINITY)).toBe("NaN");
  });
});
