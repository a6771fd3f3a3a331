import type { StreamInfo } from "../stores/stream-info";

/** Writes an entry for each stream, once all filters have had their on_log. */
export interface AccessLogger {
  /** `type`: what the entry is written for, by Envoy's name; absent = the end. */
  log(info: StreamInfo, type?: string): void;
}
