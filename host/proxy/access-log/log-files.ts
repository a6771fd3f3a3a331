import type { StatsStore } from "../stats/store";
import { LogFile, type LogFileOptions, type LogFileStats } from "./log-file";

/** As Envoy's `--file-flush-interval-msec` and `--file-flush-min-size-kb`. */
const DEFAULTS: LogFileOptions = { flushMs: 10_000, flushBytes: 65_536, maxBytes: 16_777_216 };

/** The files that access logs go to: one for each path, whoever writes to it. */
export class LogFiles {
  private readonly files = new Map<string, LogFile>();
  private readonly stats: LogFileStats;
  private readonly options: LogFileOptions;

  constructor(store: StatsStore, flushMs: number | undefined) {
    const counter = (name: string) => store.counter(`filesystem.${name}`);
    this.stats = {
      write_buffered: counter("write_buffered"),
      write_completed: counter("write_completed"),
      write_failed: counter("write_failed"),
      write_dropped: counter("write_dropped"),
      flushed_by_timer: counter("flushed_by_timer"),
      reopen_failed: counter("reopen_failed"),
      write_total_buffered: store.gauge("filesystem.write_total_buffered"),
    };
    this.options = { ...DEFAULTS, ...(flushMs !== undefined && { flushMs }) };
  }

  /** Throws StartError when it cannot be opened. */
  open(path: string): LogFile {
    const known = this.files.get(path);
    if (known) return known;
    const file = new LogFile(path, this.stats, this.options);
    this.files.set(path, file);
    return file;
  }

  reopen(): void {
    for (const file of this.files.values()) file.reopen();
  }

  close(): void {
    for (const file of this.files.values()) file.close();
  }
}
