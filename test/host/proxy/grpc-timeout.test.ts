import { expect, test } from "vitest";
import { grpcTimeout, readGrpcTimeout } from "../../../host/proxy/grpc-timeout";
import { readWhole } from "../../../host/proxy/router/router-orders";

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3000],
  ["4m", 4],
  ["5000u", 5],
  ["5001u", 6],
  ["1000000n", 1],
  ["1000001n", 2],
  ["1n", 1],
  ["0n", 0],
  ["99999999H", 359_999_996_400_000],
  ["100000000m", undefined],
  ["-1m", undefined],
  ["+1m", 1],
  ["1.5S", undefined],
  ["1", undefined],
  ["m", undefined],
  ["", undefined],
  ["1h", undefined],
  ["1 m", 1],
  ["1m ", undefined],
  ["0x1m", undefined],
])("grpc-timeout %j is %s ms", (text, ms) => expect(readGrpcTimeout(text)).toBe(ms));

/** A small generator, so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

test(`what is written is read as what it was, less than a unit short (SEED=${SEED})`, () => {
  const next = random(SEED);
  for (let i = 0; i < 20_000; i++) {
    const ms = Math.floor(next() * 10 ** (next() * 16));
    const text = grpcTimeout(ms);
    expect(text).toMatch(/^\d{1,8}[mSMH]$/);
    const unit = { m: 1, S: 1000, M: 60_000, H: 3_600_000 }[text.slice(-1)]!;
    const back = readGrpcTimeout(text)!;
    if (text === "99999999H") expect(back).toBeLessThanOrEqual(ms + unit);
    else expect(ms - back, `${ms} as ${text}`).toBeLessThan(unit);
    expect(back, `${ms} as ${text}`).toBeLessThanOrEqual(Math.max(ms, 0));
  }
});

test(`no text throws, and what is read is a number of milliseconds (SEED=${SEED})`, () => {
  const next = random(SEED);
  const letters = "0123456789HMSmun+- .xe";
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: Math.floor(next() * 12) }, () => letters[Math.floor(next() * 22)]).join(
      "",
    );
    const ms = readGrpcTimeout(text);
    if (ms !== undefined) expect(Number.isSafeInteger(ms) && ms >= 0, text).toBe(true);
    const whole = readWhole(text);
    if (whole !== undefined) expect(String(whole), text).toMatch(/^[\d.e+]+$/);
    expect(whole === undefined, text).toBe(!/^[ ]*\+?\d+[ ]*$/.test(text));
  }
});

test.each([
  ["0", 0],
  [" 12 ", 12],
  ["+7", 7],
  ["-7", undefined],
  ["", undefined],
  ["1e3", undefined],
  ["18446744073709551615", 2 ** 64],
  ["18446744073709551616", undefined],
  ["1,2", undefined],
])("a whole number: %j is %s", (text, value) => expect(readWhole(text)).toBe(value));
