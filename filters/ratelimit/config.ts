import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonKind, JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { readRateLimit } from "./action-config";
import { entryText } from "./actions";
import { TokenBucket } from "./bucket";
import { LimitedDescriptor, Limits } from "./limits";

const KNOWN: string[] = [
  "stat_prefix",
  "status",
  "token_bucket",
  "filter_enabled",
  "filter_enforced",
  "response_headers_to_add",
  "descriptors",
  "rate_limits",
  "always_consume_default_token_bucket",
  "enable_x_ratelimit_headers",
  "rate_limited_as_resource_exhausted",
];

/** Envoy's shortest interval, and a longest one that no limit needs. */
const MIN_INTERVAL: i64 = 50000000;
const MAX_INTERVAL: i64 = 86400000000000 * 366;
const RESOURCE_EXHAUSTED = 8;

/** Reads Envoy's LocalRateLimit in JSON; null = good, else what is wrong and where. */
export function readConfig(text: string, limits: Limits): string | null {
  const fields = new Fields();
  const root = fields.parse(text, KNOWN);
  if (root != null) read(fields, root, limits);
  return fields.error == "" ? null : fields.error;
}

function read(fields: Fields, root: JsonValue, limits: Limits): void {
  limits.statPrefix = fields.text(root.get("stat_prefix"), "stat_prefix");
  if (root.get("stat_prefix") != null && limits.statPrefix == "")
    fields.fail("stat_prefix", "must not be empty");
  const status = root.get("status");
  if (status != null && fields.object(status, "status", ["code"])) {
    const code = <u32>fields.integer(status.get("code"), "status.code", 100, 599);
    // As Envoy: a limit is not an answer of success.
    if (code >= 400) limits.status = code;
  }
  const bucket = root.get("token_bucket");
  if (bucket != null) limits.bucket = readBucket(fields, bucket, "token_bucket");
  limits.enabledChance = readChance(fields, root.get("filter_enabled"), "filter_enabled");
  limits.enforcedChance = readChance(fields, root.get("filter_enforced"), "filter_enforced");
  limits.alwaysDefault = readBool(fields, root, "always_consume_default_token_bucket", true);
  if (readBool(fields, root, "rate_limited_as_resource_exhausted", false))
    limits.grpcStatus = RESOURCE_EXHAUSTED;
  readRateLimitHeaders(fields, root.get("enable_x_ratelimit_headers"), limits);
  readResponseHeaders(fields, root.get("response_headers_to_add"), limits);
  readDescriptors(fields, root.get("descriptors"), limits);
  const rateLimits = fields.list(root.get("rate_limits"), "rate_limits");
  for (let i = 0; i < rateLimits.length; i++) {
    limits.rateLimits.push(readRateLimit(fields, rateLimits[i], `rate_limits[${i}]`));
  }
  if (limits.bucket == null && limits.descriptors.length == 0) {
    fields.fail("", "needs token_bucket or descriptors");
  }
}

function readBool(fields: Fields, object: JsonValue, key: string, missing: bool): bool {
  const value = object.get(key);
  return value == null ? missing : fields.bool(value, key);
}

function readBucket(fields: Fields, json: JsonValue, path: string): TokenBucket {
  if (!fields.object(json, path, ["max_tokens", "tokens_per_fill", "fill_interval"]))
    return new TokenBucket(1, 1, 1);
  const most = 1000000000;
  const maxTokens = fields.integer(json.get("max_tokens"), `${path}.max_tokens`, 1, most);
  const perFill = json.get("tokens_per_fill");
  const tokens = perFill == null ? 1 : fields.integer(perFill, `${path}.tokens_per_fill`, 1, most);
  const at = `${path}.fill_interval`;
  const interval = parseDuration(fields.text(json.get("fill_interval"), at));
  if (interval < MIN_INTERVAL) fields.fail(at, "expected a duration of at least 50ms, such as 1s");
  else if (interval > MAX_INTERVAL) fields.fail(at, "expected a duration of at most a year");
  return new TokenBucket(<u32>maxTokens, <u32>tokens, interval);
}

/** A RuntimeFractionalPercent in parts of a million. Absent = always, unlike Envoy's never. */
function readChance(fields: Fields, json: JsonValue | null, path: string): u32 {
  if (json == null) return 1000000;
  if (!fields.object(json, path, ["runtime_key", "default_value"])) return 0;
  const value = json.get("default_value");
  const at = `${path}.default_value`;
  if (!fields.object(value, at, ["numerator", "denominator"])) return 0;
  const fraction = value as JsonValue;
  const numerator = fraction.get("numerator");
  const parts = numerator == null ? 0 : fields.integer(numerator, `${at}.numerator`, 0, i32.MAX_VALUE);
  const unit = fields.textOr(fraction, "denominator", at, "HUNDRED");
  let scale = 0;
  if (unit == "HUNDRED") scale = 10000;
  else if (unit == "TEN_THOUSAND") scale = 100;
  else if (unit == "MILLION") scale = 1;
  else fields.fail(`${at}.denominator`, "expected HUNDRED, TEN_THOUSAND or MILLION");
  return <u32>min<u64>(1000000, <u64>parts * scale);
}

function readRateLimitHeaders(fields: Fields, json: JsonValue | null, limits: Limits): void {
  if (json == null) return;
  const version = fields.text(json, "enable_x_ratelimit_headers");
  limits.rateLimitHeaders = version == "DRAFT_VERSION_03";
  if (version != "OFF" && !limits.rateLimitHeaders) {
    fields.fail("enable_x_ratelimit_headers", "expected OFF or DRAFT_VERSION_03");
  }
}

function readResponseHeaders(fields: Fields, json: JsonValue | null, limits: Limits): void {
  const items = fields.list(json, "response_headers_to_add");
  for (let i = 0; i < items.length; i++) {
    const path = `response_headers_to_add[${i}]`;
    if (!fields.object(items[i], path, ["header"])) continue;
    const header = items[i].get("header");
    if (!fields.object(header, `${path}.header`, ["key", "value"])) continue;
    const name = lowerCase(fields.text((header as JsonValue).get("key"), `${path}.header.key`));
    const value = fields.text((header as JsonValue).get("value"), `${path}.header.value`);
    if (name == "" || name.startsWith(":") || name == "host") {
      fields.fail(`${path}.header.key`, "expected a header's name");
    } else if (value.includes("%")) {
      fields.fail(`${path}.header.value`, "commands such as %START_TIME% are not supported");
    } else if (value.includes("\r") || value.includes("\n")) {
      fields.fail(`${path}.header.value`, "must not have line breaks");
    } else limits.responseHeaders.add(name, value);
  }
}

function readDescriptors(fields: Fields, json: JsonValue | null, limits: Limits): void {
  const items = fields.list(json, "descriptors");
  for (let i = 0; i < items.length; i++) {
    const path = `descriptors[${i}]`;
    if (!fields.object(items[i], path, ["entries", "token_bucket"])) continue;
    const entries = fields.list(items[i].get("entries"), `${path}.entries`);
    if (entries.length == 0) fields.fail(`${path}.entries`, "needs at least one entry");
    let text = "";
    for (let k = 0; k < entries.length; k++) text += readEntry(fields, entries[k], `${path}.entries[${k}]`);
    const bucket = items[i].get("token_bucket");
    if (bucket == null) fields.fail(`${path}.token_bucket`, "missing");
    else addDescriptor(fields, limits, text, readBucket(fields, bucket, `${path}.token_bucket`), path);
  }
}

function readEntry(fields: Fields, json: JsonValue, path: string): string {
  if (!fields.object(json, path, ["key", "value"])) return "";
  const key = fields.text(json.get("key"), `${path}.key`);
  if (key == "") fields.fail(`${path}.key`, "must not be empty");
  const value = json.get("value");
  if (value == null || (value.kind == JsonKind.Text && value.text == "")) {
    fields.fail(`${path}.value`, "a bucket for every value that comes is not supported: name the values");
    return "";
  }
  return entryText(key, fields.text(value, `${path}.value`));
}

function addDescriptor(
  fields: Fields,
  limits: Limits,
  text: string,
  bucket: TokenBucket,
  path: string,
): void {
  for (let i = 0; i < limits.descriptors.length; i++) {
    if (limits.descriptors[i].text == text) fields.fail(path, "a second descriptor with these entries");
  }
  limits.descriptors.push(new LimitedDescriptor(text, bucket));
}

/** A header's name for looking it up; "" is an error. */
export function headerName(fields: Fields, json: JsonValue | null, path: string): HeaderName {
  const name = fields.text(json, path);
  if (json != null && name == "") fields.fail(path, "must not be empty");
  return new HeaderName(lowerCase(name));
}
