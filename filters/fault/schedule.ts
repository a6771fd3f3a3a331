import { currentTime } from "proxy-wasm-toolkit/sdk";
import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { DENOMINATOR } from "./roll";
import { parseTimestamp } from "./timestamp";

/** When a fault is on. Times are nanoseconds; `start` counts from 1970. */
export class Schedule {
  constructor(
    readonly start: i64,
    /** -1 = it does not end. */
    readonly duration: i64,
    /** How long it takes to get from no faults to all of them. */
    readonly ramp: i64,
  ) {}

  static read(fields: Fields, json: JsonValue, path: string): Schedule | null {
    if (!fields.object(json, path, ["start", "duration", "ramp"])) return null;
    const start = readStart(fields, json.get("start"), `${path}.start`);
    const duration = readDuration(fields, json.get("duration"), `${path}.duration`);
    const ramp = readDuration(fields, json.get("ramp"), `${path}.ramp`);
    if (duration >= 0 && ramp > duration) {
      fields.fail(`${path}.ramp`, "expected a duration that is not longer than that of the whole");
    }
    return new Schedule(start, duration, max<i64>(ramp, 0));
  }

  /** Share of a chance that counts now, in parts of a million. */
  get share(): u32 {
    const since = currentTime() - this.start;
    if (since < 0 || (this.duration >= 0 && since >= this.duration)) return 0;
    const ramp = this.ramp;
    if (since >= ramp) return DENOMINATOR;
    return <u32>((<f64>since / <f64>ramp) * <f64>DENOMINATOR);
  }
}

/** A time, or how long after the configuration was read; absent = at once. */
function readStart(fields: Fields, json: JsonValue | null, path: string): i64 {
  const now = currentTime();
  if (json == null) return now;
  const text = fields.text(json, path);
  const time = parseTimestamp(text);
  if (time >= 0) return time;
  const after = parseDuration(text);
  if (after < 0) fields.fail(path, "expected a duration such as 30s, or a time such as 2026-11-25T10:00:00Z");
  return now + after;
}

/** -1 = absent. */
function readDuration(fields: Fields, json: JsonValue | null, path: string): i64 {
  if (json == null) return -1;
  const nanos = parseDuration(fields.text(json, path));
  if (nanos < 0) fields.fail(path, "expected a duration such as 10m");
  return nanos;
}
