import { proxy_get_current_time_nanoseconds } from "../env";
import { OUT } from "../memory/layout";
import { clock_time_get } from "../wasi_snapshot_preview1";

const MONOTONIC = 1;

/** Wall clock, nanoseconds since 1970. */
export function currentTime(): i64 {
  return proxy_get_current_time_nanoseconds(OUT) == 0 ? load<i64>(OUT) : 0;
}

/** A clock that never goes back, nanoseconds from an arbitrary start: for measuring durations. */
export function monotonicTime(): i64 {
  return clock_time_get(MONOTONIC, 1, OUT) == 0 ? load<i64>(OUT) : 0;
}
