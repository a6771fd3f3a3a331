import type { Fraction } from "../model";

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

interface RawFraction {
  default_value: {
    numerator?: number | undefined;
    denominator?: keyof typeof DENOMINATORS | undefined;
  };
}

/** A `RuntimeFractionalPercent`; there is no runtime that could say otherwise. */
export function convertFraction(raw: RawFraction | undefined): Fraction | undefined {
  if (!raw) return undefined;
  const { numerator = 0, denominator = "HUNDRED" } = raw.default_value;
  return { numerator, denominator: DENOMINATORS[denominator] };
}
