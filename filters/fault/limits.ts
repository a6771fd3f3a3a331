/** The longest delay, 1000 hours. */
export const MAX_DELAY_MS: i64 = 3600000000;
