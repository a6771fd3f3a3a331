import type { Comparison, LogFilterConfig } from "../../config/model";
import type { LogType } from "../../formatter/log-types";
import { grpcStatus } from "../../formatter/operators/grpc";
import type { FormatScope } from "../../formatter/scope";
import type { StreamInfo } from "../../stores/stream-info";
import { headerMatcher, randomNumber } from "../router/matchers";

/** What a filter looks at. */
export interface LogEntry extends FormatScope {
  readonly logType: LogType;
}

/** Whether an entry is to be written. */
export type LogFilter = (entry: LogEntry) => boolean;

const COMPARISONS: Readonly<Record<Comparison["op"], (a: number, b: number) => boolean>> = {
  EQ: (a, b) => a === b,
  GE: (a, b) => a >= b,
  LE: (a, b) => a <= b,
  NE: (a, b) => a !== b,
};

function compares({ op, value }: Comparison): (number: number) => boolean {
  const compare = COMPARISONS[op];
  return (number) => compare(number, value);
}

/** A request id decides for itself wherever it is looked at, if it is one; others by chance. */
function numberOf({ requestHeaders }: StreamInfo, independent: boolean): number {
  const id = independent ? undefined : requestHeaders?.get("x-request-id")?.slice(0, 8);
  return id !== undefined && /^[0-9a-f]{8}$/i.test(id) ? Number.parseInt(id, 16) : randomNumber();
}

type Kind = LogFilterConfig["kind"];

type OfKind<C, K> = C extends { kind: infer N } ? (K extends N ? C : never) : never;

const FILTERS: { [K in Kind]: (config: OfKind<LogFilterConfig, K>) => LogFilter } = {
  "status code": ({ comparison }) => {
    const test = compares(comparison);
    return ({ info }) => test(info.responseCode ?? 0);
  },
  duration: ({ comparison }) => {
    const test = compares(comparison);
    return ({ info, clock }) =>
      test(Number(((info.endMonotonic ?? clock.monotonic()) - info.startMonotonic) / 1_000_000n));
  },
  // No filter here answers health checks by itself.
  "not health check": () => () => true,
  traceable:
    () =>
    ({ info }) =>
      info.traced ?? false,
  runtime: ({ fraction, independent }) => {
    const { numerator, denominator } = fraction;
    return ({ info }) => numberOf(info, independent) % denominator < numerator;
  },
  and: ({ filters }) => {
    const all = filters.map(logFilter);
    return (entry) => all.every((filter) => filter(entry));
  },
  or: ({ filters }) => {
    const all = filters.map(logFilter);
    return (entry) => all.some((filter) => filter(entry));
  },
  header: ({ header }) => {
    const matches = headerMatcher(header);
    return ({ info }) => info.requestHeaders !== undefined && matches(info.requestHeaders);
  },
  "response flags": ({ flags }) =>
    flags === 0 ? ({ info }) => info.responseFlags !== 0 : ({ info }) => (info.responseFlags & flags) !== 0,
  "grpc status":
    ({ statuses, exclude }) =>
    ({ info }) =>
      statuses.has(grpcStatus(info, true) ?? 2) !== exclude,
  "log type":
    ({ types, exclude }) =>
    ({ logType }) =>
      types.has(logType) !== exclude,
};

/** Prepares a filter. */
export function logFilter(config: LogFilterConfig): LogFilter {
  return (FILTERS[config.kind] as (config: LogFilterConfig) => LogFilter)(config);
}
