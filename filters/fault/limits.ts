/** The longest delay, 1000 hours. */
export const MAX_DELAY_MS: i64 = 3600000000;
/** The highest rate limit, KiB a second: no limit that anyone could notice. */
export const MAX_KBPS: i64 = i32.MAX_VALUE;
