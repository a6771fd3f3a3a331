import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { grpcCode } from "./grpc-codes";
import { HeaderFaults } from "./header-faults";
import { MAX_DELAY_MS } from "./limits";
import { RequestMatch } from "./request-match";
import { DENOMINATOR } from "./roll";
import { FaultRule } from "./rule";
import { Settings } from "./settings";

const ROOT: string[] = ["http", "headerFaults", "maxActiveFaults", "seed", "killSwitchHeader"];

/** Fields of an HTTPRoute. The proxy's own routes do what those but `match` and `fault` say: they are passed over. */
const ROUTE: string[] = [
  "name",
  "match",
  "fault",
  "route",
  "redirect",
  "directResponse",
  "delegate",
  "rewrite",
  "timeout",
  "retries",
  "mirror",
  "mirrors",
  "mirrorPercent",
  "mirrorPercentage",
  "corsPolicy",
  "headers",
];

const MILLISECOND: i64 = 1000000;

/** Reads the plugin's configuration into `settings`; null = good, else what is wrong and where. */
export function readConfig(text: string, settings: Settings): string | null {
  const fields = new Fields();
  const root = fields.parse(text, ROOT);
  if (root != null) {
    if (root.get("http") == null) fields.fail("http", "missing");
    const entries = fields.list(root.get("http"), "http");
    for (let i = 0; i < entries.length; i++) {
      settings.rules.push(readEntry(fields, entries[i], `http[${i}]`));
    }
    settings.headerFaults = HeaderFaults.read(fields, root.get("headerFaults"), "headerFaults");
    const seed = root.get("seed");
    if (seed != null) settings.dice.seed(<u64>fields.integer(seed, "seed", 0, i32.MAX_VALUE));
    const off = root.get("killSwitchHeader");
    if (off != null) {
      const name = lowerCase(fields.text(off, "killSwitchHeader"));
      if (name == "") fields.fail("killSwitchHeader", "must not be empty");
      else settings.killSwitch = new HeaderName(name);
    }
    const most = root.get("maxActiveFaults");
    if (most != null) settings.maxActiveFaults = fields.integer(most, "maxActiveFaults", 0, i32.MAX_VALUE);
  }
  return fields.error == "" ? null : fields.error;
}

function readEntry(fields: Fields, json: JsonValue, path: string): FaultRule {
  const rule = new FaultRule();
  if (!fields.object(json, path, ROUTE)) return rule;
  fields.textOr(json, "name", path, "");
  refuseMisplaced(fields, json.get("route"), `${path}.route`);
  const match = json.get("match");
  if (match != null) {
    const blocks = fields.list(match, `${path}.match`);
    for (let i = 0; i < blocks.length; i++) {
      rule.matches.push(RequestMatch.read(fields, blocks[i], `${path}.match[${i}]`));
    }
  }
  const fault = json.get("fault");
  if (fault != null) readFault(fields, fault, `${path}.fault`, rule);
  return rule;
}

/** A `fault` inside `route` does nothing in Istio, where it is dropped in silence. */
function refuseMisplaced(fields: Fields, json: JsonValue | null, path: string): void {
  if (json == null || !json.isList) return;
  for (let i = 0; i < json.items.length; i++) {
    if (json.items[i].get("fault") == null) continue;
    fields.fail(`${path}[${i}].fault`, "belongs beside route, not inside it");
  }
}

function readFault(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["delay", "abort"])) return;
  rule.injects = true;
  const delay = json.get("delay");
  const abort = json.get("abort");
  if (delay == null && abort == null) fields.fail(path, "needs delay or abort");
  if (delay != null) readDelay(fields, delay, `${path}.delay`, rule);
  if (abort != null) readAbort(fields, abort, `${path}.abort`, rule);
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
  const percent = json.get("percent");
  if (percent != null) {
    rule.delayChance = <u32>fields.integer(percent, `${path}.percent`, 0, 100) * (DENOMINATOR / 100);
  }
  if (json.get("percentage") != null) rule.delayChance = readChance(fields, json, path);
  const at = `${path}.fixedDelay`;
  const nanos = parseDuration(fields.text(json.get("fixedDelay"), at));
  if (nanos < MILLISECOND) fields.fail(at, "expected a duration of at least 1ms, such as 0.5s");
  else if (nanos > MAX_DELAY_MS * MILLISECOND) fields.fail(at, "expected a duration of at most 1000h");
  else rule.delayMs = <u32>(nanos / MILLISECOND);
}

function readAbort(fields: Fields, json: JsonValue, path: string, rule: FaultRule): void {
  if (!fields.object(json, path, ["percentage", "httpStatus", "grpcStatus"])) return;
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
