import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePairs, encodePairs } from "../../../host/stores/pairs";

const latin1 = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1"));

test("pairs survive a round trip, NULs and high bytes included", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(latin1, latin1), { maxLength: 30 }), (pairs) => {
      expect(decodePairs(encodePairs(pairs))).toEqual(pairs);
    }),
  );
});

test("a golden block", () => {
  expect(encodePairs([["a", "bc"]]).toString("hex")).toBe("010000000100000002000000610062630" + "0");
});

test("no bytes at all make the decoder throw; what it refuses is an empty list", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodePairs(Buffer.from(bytes))));
});

test("more than 1024 pairs, trailing bytes and a missing NUL read as nothing", () => {
  const many = Array.from({ length: 1025 }, (): [string, string] => ["k", "v"]);
  expect(decodePairs(encodePairs(many))).toEqual([]);
  expect(decodePairs(Buffer.concat([encodePairs([["k", "v"]]), Buffer.from([0])]))).toEqual([]);
  const broken = encodePairs([["k", "v"]]);
  broken[broken.length - 1] = 1;
  expect(decodePairs(broken)).toEqual([]);
});
