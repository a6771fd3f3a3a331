/** A date's parts, in UTC or local time. */
export interface Parts {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Nanoseconds of the second. */
  readonly nano: number;
  readonly weekday: number;
  /** Seconds since 1970. */
  readonly epoch: bigint;
  /** Minutes that the clock is ahead of UTC. */
  readonly offset: number;
  readonly zone: string;
}

/** A point in time, in seconds since 1970 and nanoseconds. */
export function utc(epoch: bigint, nano: number): Parts {
  const date = new Date(Number(epoch) * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
    nano,
    epoch,
    offset: 0,
    zone: "UTC",
  };
}

/** The same by the machine's clock. */
export function local(epoch: bigint, nano: number): Parts {
  const date = new Date(Number(epoch) * 1000);
  return {
    year: date.getFullYear(),
    month: date.getMonth(),
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    weekday: date.getDay(),
    nano,
    epoch,
    offset: -date.getTimezoneOffset(),
    zone: zoneName(date),
  };
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}
