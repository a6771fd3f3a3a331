import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameReader, frame } from "../../../host/proxy/clusters/grpc-frames";
import { grpcFrame } from "../../support/grpc-wire";

const MAX = 1000;
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));

/** Cuts at these places (in thousandths of the whole). */
function cut(whole: Buffer, places: number[]): Buffer[] {
  const at = places.map((place) => Math.floor((place * whole.length) / 1000)).sort((a, b) => a - b);
  return [0, ...at].map((from, i) => whole.subarray(from, at[i] ?? whole.length));
}

test("messages come back whole, however the body is cut into chunks", () => {
  fc.assert(
    fc.property(
      fc.array(bytes, { maxLength: 8 }),
      fc.array(fc.nat(1000), { maxLength: 12 }),
      (messages, places) => {
        const reader = new FrameReader(MAX);
        const read = cut(Buffer.concat(messages.map(frame)), places).flatMap((chunk) => {
          const { messages: found, fault } = reader.read(chunk);
          expect(fault).toBeUndefined();
          return found;
        });
        expect(read).toEqual(messages);
      },
    ),
  );
});

test("no bytes at all make the reader throw", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 8 }), (chunks) => {
      const reader = new FrameReader(MAX);
      for (const chunk of chunks) if (reader.read(chunk).fault) return;
    }),
  );
});

describe("faults", () => {
  test.each([
    ["flags nobody knows, at their first byte", Buffer.from([2]), [], "malformed"],
    ["a message above the limit, at its head", Buffer.from([0, 0, 0, 3, 233]), [], "too large"],
    ["a message of the limit is fine", grpcFrame("x".repeat(MAX)), [MAX], undefined],
    ["a compressed message", grpcFrame("x", 1), [], "compressed"],
    ["a compressed message of no bytes is fine", grpcFrame("", 1), [0], undefined],
    ["what precedes a fault", Buffer.concat([grpcFrame("ok"), grpcFrame("x", 1)]), [2], "compressed"],
  ])("%s", (_, body, sizes, fault) => {
    const read = new FrameReader(MAX).read(body);
    expect(read.messages.map((message) => message.length)).toEqual(sizes);
    expect(read.fault).toBe(fault);
  });
});
