import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { strftime } from "../../../host/formatter/strftime";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fffffff);
const at = (iso: string, nano = 0) => BigInt(Date.parse(iso)) * 1_000_000n + BigInt(nano);

test.each<[format: string, text: string]>([
  ["%Y-%m-%dT%H:%M:%E3SZ", "2024-02-09T03:04:05.123Z"],
  ["%f|%1f|%3f|%6f|%9f", "123456789|1|123|123456|123456789"],
  ["%s.%3f", "1707447845.123"],
  ["%E*S %E*f %E2S %E0S", "05.123456789 123456789 05.12 05"],
  ["%E4Y %Ez %E*z %:z %z %Z", "2024 +00:00 +00:00 +00:00 +0000 UTC"],
  ["%-d %_d %0e %3d %10A|%^a|%^10b", "9  9 09 009     Friday|FRI|       FEB"],
  ["%%|%Q|%", "%|%Q|%"],
])("%s", (format, text) => {
  expect(strftime(format, false)(at("2024-02-09T03:04:05.000Z", 123_456_789))).toBe(text);
});

test(`every conversion is that of date(1) (FUZZ_SEED=${seed})`, () => {
  const letters = [..."YCyGgmdejUWVuwHIklMSsaAbhBpPDFRTrcxX"];
  // Not the locale's: C's.
  const format = letters
    .map((letter) => `%${letter}`)
    .join("|")
    .replaceAll("%r", "%I:%M:%S %p");
  const seconds = fc.array(fc.integer({ min: -2_000_000_000, max: 4_000_000_000 }), {
    minLength: 40,
    maxLength: 40,
  });
  fc.assert(
    fc.property(seconds, (list) => {
      const input = list.map((second) => `@${second}`).join("\n");
      const options = { input, encoding: "utf8", env: { LC_ALL: "C", TZ: "UTC" } } as const;
      const wanted = execFileSync("date", ["-u", "-f", "-", `+${format}`], options)
        .trimEnd()
        .split("\n");
      const write = strftime(format, false);
      expect(list.map((second) => write(BigInt(second) * 1_000_000_000n))).toEqual(wanted);
    }),
    { seed, numRuns: 3 },
  );
});
