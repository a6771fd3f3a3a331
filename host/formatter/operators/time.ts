import { FormatError } from "../format-error";
import type { FormatScope, Operator, Operators } from "../scope";
import { strftime } from "../strftime";

/** Nanoseconds since 1970. */
type Instant = (scope: FormatScope) => bigint | undefined;

/** A line break, or a percent sign before an `n`: Envoy's own expression sees no difference. */
const NEWLINE = /%[-_0^#]*[1-9]*[EO]?n/;

const UTC = "%Y-%m-%dT%H:%M:%E3SZ";
const LOCAL = "%Y-%m-%dT%H:%M:%E3S%z";

/** A point in time, in a format of `strftime` where one is given. */
export function instant(about: string, find: Instant, local = false): Operator {
  return {
    about,
    argument: "optional",
    make(argument) {
      if (NEWLINE.test(argument)) throw new FormatError("a time must not contain line breaks");
      const format = strftime(argument || (local ? LOCAL : UTC), local);
      return (scope) => {
        const at = find(scope);
        return at === undefined ? undefined : format(at);
      };
    },
  };
}

const start: Instant = ({ info }) => info.startTime;
const now: Instant = ({ clock }) => clock.now();

export const TIMES: Operators = {
  START_TIME: instant("When the request or connection began, UTC", start),
  START_TIME_LOCAL: instant("The same in local time", start, true),
  EMIT_TIME: instant("When the entry is written, UTC", now),
  EMIT_TIME_LOCAL: instant("The same in local time", now, true),
};
