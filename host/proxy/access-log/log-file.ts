import { closeSync, openSync, write, writeSync } from "node:fs";
import { StartError } from "../../errors";
import type { StatCounter, StatGauge } from "../stats/store";

/** What becomes of the lines of all files. */
export interface LogFileStats {
  readonly write_buffered: StatCounter;
  readonly write_completed: StatCounter;
  readonly write_failed: StatCounter;
  readonly write_dropped: StatCounter;
  readonly flushed_by_timer: StatCounter;
  readonly reopen_failed: StatCounter;
  readonly write_total_buffered: StatGauge;
}

export interface LogFileOptions {
  /** Milliseconds until lines are written at the latest. */
  flushMs: number;
  /** So many bytes are written at once. */
  flushBytes: number;
  /** More than these bytes do not wait: lines that come then are dropped. */
  maxBytes: number;
}

const STANDARD: Readonly<Record<string, number>> = { "/dev/stdout": 1, "/dev/stderr": 2 };

/** A file that lines are added to; nobody waits for it. */
export class LogFile {
  private fd: number;
  private lines: string[] = [];
  /** Bytes in `lines`, and with those that are being written. */
  private collected = 0;
  private buffered = 0;
  private writing = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  /** To be opened again. */
  private stale = false;

  /** Throws StartError when it cannot be opened. */
  constructor(
    private readonly path: string,
    private readonly stats: LogFileStats,
    private readonly options: LogFileOptions,
  ) {
    try {
      this.fd = open(path);
    } catch (error) {
      throw new StartError(`cannot open the access log ${path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Adds a line, bytes as characters. */
  write(line: string): void {
    const { stats, options } = this;
    if (this.closed || this.buffered + line.length > options.maxBytes) return stats.write_dropped.inc();
    this.lines.push(line);
    this.collected += line.length;
    this.buffered += line.length;
    stats.write_buffered.inc();
    stats.write_total_buffered.add(line.length);
    if (this.timer === undefined) {
      // The first line goes at once, as Envoy's does.
      this.timer = setInterval(() => this.onTimer(), options.flushMs).unref();
      this.flush();
    } else if (this.collected > options.flushBytes) this.flush();
  }

  private onTimer(): void {
    this.stats.flushed_by_timer.inc();
    this.flush();
  }

  /** Begins to write what waits, unless that is under way. */
  flush(): void {
    if (this.writing || this.collected === 0) return;
    this.writing = true;
    this.writeOn(this.take());
  }

  private take(): Buffer {
    const bytes = Buffer.from(this.lines.join(""), "latin1");
    this.lines = [];
    this.collected = 0;
    return bytes;
  }

  /** A file may take less than it is given. */
  private writeOn(bytes: Buffer): void {
    write(this.fd, bytes, (error, written) => {
      if (!error && written < bytes.length) {
        this.settle(written);
        return this.writeOn(bytes.subarray(written));
      }
      this.settle(bytes.length);
      this.writing = false;
      (error ? this.stats.write_failed : this.stats.write_completed).inc();
      if (this.closed) return this.release();
      if (this.stale) this.renew();
      if (this.collected > this.options.flushBytes) this.flush();
    });
  }

  private settle(bytes: number): void {
    this.buffered -= bytes;
    this.stats.write_total_buffered.add(-bytes);
  }

  /** Lines from now on go to the file that has the path now: somebody may have moved the old one away. */
  reopen(): void {
    this.stale = true;
    if (!this.writing && !this.closed) this.renew();
  }

  /** The old file stays when there is no new one to be had. */
  private renew(): void {
    this.stale = false;
    try {
      const fd = open(this.path);
      this.release();
      this.fd = fd;
    } catch {
      this.stats.reopen_failed.inc();
    }
  }

  /** Writes what waits, without waiting for its turn, and closes. */
  close(): void {
    if (this.closed) return;
    clearInterval(this.timer);
    this.closed = true;
    if (this.collected > 0) this.writeNow(this.take());
    if (!this.writing) this.release();
  }

  private writeNow(bytes: Buffer): void {
    this.settle(bytes.length);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
      this.stats.write_completed.inc();
    } catch {
      this.stats.write_failed.inc();
    }
  }

  private release(): void {
    if (this.path in STANDARD) return;
    try {
      closeSync(this.fd);
    } catch {
      // What could not be written is counted already.
    }
  }
}

function open(path: string): number {
  return STANDARD[path] ?? openSync(path, "a", 0o644);
}
