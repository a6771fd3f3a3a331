/** Severity of a log line. `Off` is only ever read (proxy_get_log_level), never written. */
export enum LogLevel {
  Trace = 0,
  Debug = 1,
  Info = 2,
  Warn = 3,
  Error = 4,
  Critical = 5,
  Off = 6,
}
