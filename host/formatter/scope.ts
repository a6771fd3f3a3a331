import type { Clock } from "../clock";
import type { StreamInfo } from "../stores/stream-info";
import type { LogType } from "./log-types";
import type { FormatValue } from "./value";

/** What a format is filled from. */
export interface FormatScope {
  readonly info: StreamInfo;
  readonly clock: Clock;
  /** What the log entry is written for; "NotSet" elsewhere. */
  readonly logType?: LogType;
  /** The body of a local reply, where one is being made. */
  readonly localReplyBody?: string;
}

/** Finds one value. */
export type Reader = (scope: FormatScope) => FormatValue;

/** What must be written down while a stream runs, for a format to be filled at its end. */
export type Need = "times" | "bytes" | "attempts";

export type Prepare = (command: { name: string; argument: string; length: number | undefined }) => Reader;

/** One operator of `%NAME(ARGUMENT):LENGTH%`. */
export interface Operator {
  /** Whether an argument may or must follow the name; default: it may not, nor a length. */
  readonly argument?: "optional" | "required";
  /** A length may cut the value. */
  readonly length?: true;
  readonly needs?: Need;
  /**
   * Prepares the operator; throws FormatError for what it refuses.
   *
   * @param prepare makes another operator, for one that is made of several
   */
  make(argument: string, length: number | undefined, prepare: Prepare): Reader;
  /** For the documentation: what it is, and where it differs from Envoy. */
  readonly about: string;
}

export type Operators = Readonly<Record<string, Operator>>;

/** An operator that takes no argument. */
export const plain = (about: string, read: Reader, needs?: Need): Operator => ({
  about,
  make: () => read,
  ...(needs && { needs }),
});
