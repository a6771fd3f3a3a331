/** Most that `grpc-timeout` can say in one unit. */
const MOST = 99_999_999;

/** Milliseconds of a unit. */
const UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Milliseconds that a `grpc-timeout` header asks for, parts of one rounded up; undefined when it says nothing readable. */
export function readGrpcTimeout(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const unit = UNITS[value.slice(-1)];
  const digits = value.slice(0, -1).trim();
  if (unit === undefined || !/^[+-]?\d+$/.test(digits)) return undefined;
  const count = Number(digits);
  if (count < 0 || count > MOST) return undefined;
  // Division is exact where there is nothing to round: 1/1e-3 is not.
  return unit < 1 ? Math.ceil(count / Math.round(1 / unit)) : count * unit;
}

/** A `grpc-timeout` header in the smallest unit that can hold it; what is too long even for hours is cut. */
export function grpcTimeout(ms: number): string {
  if (ms <= MOST) return `${ms}m`;
  let count = Math.floor(ms / 1000);
  for (const unit of "SMH") {
    if (count <= MOST) return `${count}${unit}`;
    count = unit === "H" ? MOST : Math.floor(count / 60);
  }
  return `${MOST}H`;
}
