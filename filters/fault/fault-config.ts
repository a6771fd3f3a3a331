import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { grpcCode } from "./grpc-codes";
import { MAX_DELAY_MS, MAX_KBPS } from "./limits";
import { DENOMINATOR } from "./roll";
import { FaultRule } from "./rule";

const MILLISECOND: i64 = 1000000;

const KINDS: string[] = ["delay", "abort", "responseRateLimit", "stall", "truncate"];

/** Reads an entry's `fault`: Istio's delay and abort, and what befalls responses. */
export function readFault(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, KINDS)) return;
  rule.injects = true;
  const delay = json.get("delay");
  const abort = json.get("abort");
  const limit = json.get("responseRateLimit");
  const stall = json.get("stall");
  const truncate = json.get("truncate");
  if (json.keys.length == 0) fields.fail(path, `needs ${KINDS.join(" or ")}`);
  if (delay != null) readDelay(fields, delay, `${path}.delay`, rule);
  if (abort != null) readAbort(fields, abort, `${path}.abort`, rule);
  if (limit != null) readRateLimit(fields, limit, `${path}.responseRateLimit`, rule);
  if (stall != null) readStall(fields, stall, `${path}.stall`, rule);
  if (truncate != null) readTruncate(fields, truncate, `${path}.truncate`, rule);
}

/** Istio's `percentage: {value}` in millionths, cut off as Istio does it (0.57 gives 5699). Absent = 0. */
function readChance(fields: Fields, json: JsonValue, path: string): u32 {
  const percentage = json.get("percentage");
  const at = `${path}.percentage`;
  if (percentage == null || !fields.object(percentage, at, ["value"])) return 0;
  const value = percentage.get("value");
  return value == null ? 0 : <u32>(fields.number(value, `${at}.value`, 0, 100) * 10000);
}

function readDelay(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["percentage", "percent", "fixedDelay"])) return;
  rule.delays = true;
  const percent = json.get("percent");
  if (percent != null) {
    rule.delayChance = <u32>fields.integer(percent, `${path}.percent`, 0, 100) * (DENOMINATOR / 100);
  }
  if (json.get("percentage") != null) rule.delayChance = readChance(fields, json, path);
  rule.delayMs = <u32>(readDuration(fields, json.get("fixedDelay"), `${path}.fixedDelay`) / MILLISECOND);
}

/** Nanoseconds. */
function readDuration(fields: Fields, json: JsonValue | null, path: string): i64 {
  const nanos = parseDuration(fields.text(json, path));
  if (nanos < MILLISECOND) fields.fail(path, "expected a duration of at least 1ms, such as 0.5s");
  else if (nanos > MAX_DELAY_MS * MILLISECOND) fields.fail(path, "expected a duration of at most 1000h");
  return nanos;
}

function readRateLimit(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["percentage", "limitKbps"])) return;
  rule.paceChance = readChance(fields, json, path);
  rule.kbps = fields.integer(json.get("limitKbps"), `${path}.limitKbps`, 1, <i32>MAX_KBPS);
}

function readStall(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["percentage", "afterBytes", "duration"])) return;
  rule.stallChance = readChance(fields, json, path);
  rule.stallAfter = readBytes(fields, json, path);
  rule.stallTime = readDuration(fields, json.get("duration"), `${path}.duration`);
}

function readTruncate(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["percentage", "afterBytes", "reset"])) return;
  rule.cutChance = readChance(fields, json, path);
  rule.cutAfter = readBytes(fields, json, path);
  const reset = json.get("reset");
  rule.cutResets = reset != null && fields.bool(reset, `${path}.reset`);
}

function readBytes(fields: Fields, json: JsonValue, path: string): i64 {
  const bytes = json.get("afterBytes");
  return bytes == null ? 0 : fields.integer(bytes, `${path}.afterBytes`, 0, i32.MAX_VALUE);
}

function readAbort(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["percentage", "httpStatus", "grpcStatus"])) return;
  rule.aborts = true;
  rule.abortChance = readChance(fields, json, path);
  const http = json.get("httpStatus");
  const grpc = json.get("grpcStatus");
  if ((http == null) == (grpc == null)) fields.fail(path, "give exactly one of httpStatus and grpcStatus");
  else if (http != null) rule.status = fields.integer(http, `${path}.httpStatus`, 200, 599);
  else {
    rule.grpcStatus = grpcCode(fields.text(grpc, `${path}.grpcStatus`));
    if (rule.grpcStatus < 0) {
      fields.fail(`${path}.grpcStatus`, "expected the name of a gRPC code, such as UNAVAILABLE");
    }
  }
}
