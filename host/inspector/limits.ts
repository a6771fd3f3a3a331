/** The inspector keeps a bounded past, whatever the traffic. */
export const LIMITS = {
  /** Streams; the oldest goes first. */
  streams: 500,
  /** Steps of a stream, and lines of a step. */
  steps: 300,
  lines: 300,
  /** Characters of one line. */
  line: 2000,
  /** Bytes of a body in each of its four places. */
  body: 64 * 1024,
  /** Bytes of a chunk in a step. */
  chunk: 4096,
  /** Pages that listen. */
  listeners: 16,
} as const;
