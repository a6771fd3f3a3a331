import { Pairs } from "proxy-wasm-toolkit/sdk";
import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue, parseJson } from "proxy-wasm-toolkit/sdk/text/json";
import { RequestMatch } from "./request-match";

const GRPC_CODES: string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** Percentages are rolled against this many, as Envoy does for Istio's `percentage`. */
export const DENOMINATOR: u32 = 1000000;

/** One entry of the `http` list: when it applies, and what it does. */
export class FaultRule {
  matches: RequestMatch[] = [];
  /** Of `DENOMINATOR`. */
  delayChance: u32 = 0;
  delayMs: u32 = 0;
  abortChance: u32 = 0;
  /** HTTP status; 200 when `grpcStatus` is set. */
  abortStatus: u32 = 0;
  /** -1 = none. */
  grpcStatus: i32 = -1;

  /** No match block at all is a catch-all. */
  applies(headers: Pairs): bool {
    if (this.matches.length == 0) return true;
    for (let i = 0; i < this.matches.length; i++) if (this.matches[i].matches(headers)) return true;
    return false;
  }
}

/** Reads the plugin's configuration into `rules`; null = good, else what is wrong and where. */
export function readConfig(text: string, rules: FaultRule[]): string | null {
  const parsed = parseJson(text);
  const root = parsed.value;
  if (root == null) return parsed.error;
  const fields = new Fields();
  if (fields.object(root, "", ["http"])) {
    if (root.get("http") == null) fields.fail("http", "missing");
    const entries = fields.list(root.get("http"), "http");
    for (let i = 0; i < entries.length; i++)
      rules.push(readRule(fields, entries[i], `http[${i.toString()}]`));
  }
  return fields.error == "" ? null : fields.error;
}

function readRule(fields: Fields, json: JsonValue, path: string): FaultRule {
  const rule = new FaultRule();
  if (!fields.object(json, path, ["name", "match", "fault"])) return rule;
  const blocks = fields.list(json.get("match"), `${path}.match`);
  for (let i = 0; i < blocks.length; i++) {
    rule.matches.push(RequestMatch.read(fields, blocks[i], `${path}.match[${i.toString()}]`));
  }
  const fault = json.get("fault");
  if (fault == null) return rule;
  if (!fields.object(fault, `${path}.fault`, ["delay", "abort"])) return rule;
  if (fault.keys.length == 0) fields.fail(`${path}.fault`, "needs delay or abort");
  const delay = fault.get("delay");
  if (delay != null) readDelay(fields, delay, `${path}.fault.delay`, rule);
  const abort = fault.get("abort");
  if (abort != null) readAbort(fields, abort, `${path}.fault.abort`, rule);
  return rule;
}

/** Istio's `percentage: {value}`, truncated to millionths as in Envoy; `missing` when it is absent. */
function readChance(fields: Fields, json: JsonValue, path: string, missing: u32): u32 {
  const percentage = json.get("percentage");
  if (percentage == null) return missing;
  if (!fields.object(percentage, `${path}.percentage`, ["value"])) return 0;
  const value = percentage.get("value");
  if (value == null) return 0;
  return <u32>(fields.number(value, `${path}.percentage.value`, 0, 100) * 10000);
}

function readDelay(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["percentage", "percent", "fixedDelay"])) return;
  let missing: u32 = 0;
  const percent = json.get("percent");
  if (percent != null) missing = <u32>fields.number(percent, `${path}.percent`, 0, 100) * 10000;
  rule.delayChance = readChance(fields, json, path, missing);
  const nanos = parseDuration(fields.text(json.get("fixedDelay"), `${path}.fixedDelay`));
  if (nanos < 1000000) fields.fail(`${path}.fixedDelay`, "expected a duration of at least 1ms, such as 0.5s");
  else if (nanos > 3600000000000000) fields.fail(`${path}.fixedDelay`, "longer than 1000h");
  else rule.delayMs = <u32>(nanos / 1000000);
}

function readAbort(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["percentage", "httpStatus", "grpcStatus"])) return;
  rule.abortChance = readChance(fields, json, path, 0);
  const http = json.get("httpStatus");
  const grpc = json.get("grpcStatus");
  if ((http == null) == (grpc == null)) {
    fields.fail(path, "give exactly one of httpStatus and grpcStatus");
  } else if (http != null) {
    rule.abortStatus = <u32>fields.number(http, `${path}.httpStatus`, 200, 599);
  } else {
    rule.abortStatus = 200;
    rule.grpcStatus = GRPC_CODES.indexOf(fields.text(grpc, `${path}.grpcStatus`));
    if (rule.grpcStatus < 0)
      fields.fail(`${path}.grpcStatus`, "expected a gRPC code by name, such as UNAVAILABLE");
  }
}
