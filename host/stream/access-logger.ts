import type { StreamInfo } from "../stores/stream-info";

/** Writes an entry for each stream, once all filters have had their on_log. */
export interface AccessLogger {
  log(info: StreamInfo): void;
}
