import { proxy_set_tick_period_milliseconds } from "../env";

/** Calls `onTick` of the current plugin's root every `milliseconds`; 0 stops it. The period starts anew. */
export function setTickPeriod(milliseconds: u32): void {
  proxy_set_tick_period_milliseconds(milliseconds);
}
