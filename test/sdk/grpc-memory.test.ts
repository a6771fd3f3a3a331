import { expect, test } from "vitest";
import type { MockGrpcHandler } from "../../host/testing/index";
import { startHost } from "../../host/testing/vitest";

/** Outcomes in turn: an answer, a failure, an answer too late for a client that has left. */
const calls: MockGrpcHandler = ({ text }) => {
  const turn = Number(text) % 3;
  if (turn === 1) return { status: 7, details: "no" };
  return { message: "x".repeat(Number(text) % 500), afterMs: turn === 2 ? 20 : 0 };
};

/** Streams that end well, that break off, and whose client leaves. */
const streams: MockGrpcHandler = (stream) => {
  const turn = Number(stream.text) % 3;
  if (turn === 1) return { failure: "cut" };
  return { messages: ["a", "b"], afterMs: turn === 2 ? 20 : 0 };
};

test.each([
  ["unary", calls],
  ["talk", streams],
] as const)(
  "%s: memory does not grow with calls, however they end",
  async (rootId, echo) => {
    const host = await startHost({
      plugins: { module: "test/sdk/guests/grpc.ts", rootId },
      services: { echo },
      trace: false,
    });
    const run = (count: number) => {
      for (let i = 0; i < count; i++) {
        const exchange = host.request({ headers: { "x-message": String(i) } });
        host.advance(10);
        if (!exchange.over) exchange.disconnect();
        host.advance(20);
      }
      return host.guestMemory;
    };
    const warm = run(3_000);
    expect(run(9_000)).toBe(warm);
    expect(warm).toBeLessThan(4 * 1024 * 1024);
  },
  60_000,
);
