import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { Regex } from "proxy-wasm-toolkit/sdk/text/regex";
import { Action, GenericKey, HeaderValueMatch, RateLimit, RemoteAddress, RequestHeader } from "./actions";
import { headerName } from "./config";
import { HeaderMatch, TextTest } from "./header-match";

const ACTIONS: string[] = ["request_headers", "remote_address", "generic_key", "header_value_match"];
const TESTS: string[] = ["exact", "prefix", "suffix", "contains", "safe_regex"];

/** Reads one of `rate_limits`: the actions that make a descriptor. */
export function readRateLimit(fields: Fields, json: JsonValue, path: string): RateLimit {
  const limit = new RateLimit();
  if (!fields.object(json, path, ["actions"])) return limit;
  const items = fields.list(json.get("actions"), `${path}.actions`);
  if (items.length == 0) fields.fail(`${path}.actions`, "needs at least one action");
  for (let i = 0; i < items.length; i++) {
    const action = readAction(fields, items[i], `${path}.actions[${i}]`);
    if (action != null) limit.actions.push(action);
  }
  return limit;
}

function readAction(fields: Fields, json: JsonValue, path: string): Action | null {
  if (!fields.object(json, path, ACTIONS)) return null;
  if (json.keys.length != 1) {
    fields.fail(path, `give exactly one of ${ACTIONS.join(", ")}`);
    return null;
  }
  const kind = json.keys[0];
  const value = json.items[0];
  const at = `${path}.${kind}`;
  if (kind == "request_headers") return readRequestHeader(fields, value, at);
  if (kind == "generic_key") return readGenericKey(fields, value, at);
  if (kind == "header_value_match") return readHeaderValueMatch(fields, value, at);
  return fields.object(value, at, []) ? new RemoteAddress() : null;
}

/** Text that must be there and not empty. */
function required(fields: Fields, json: JsonValue, key: string, path: string): string {
  const text = fields.text(json.get(key), `${path}.${key}`);
  if (json.get(key) != null && text == "") fields.fail(`${path}.${key}`, "must not be empty");
  return text;
}

function readRequestHeader(fields: Fields, json: JsonValue, path: string): Action | null {
  if (!fields.object(json, path, ["header_name", "descriptor_key", "skip_if_absent"])) return null;
  const skip = json.get("skip_if_absent");
  return new RequestHeader(
    headerName(fields, json.get("header_name"), `${path}.header_name`),
    required(fields, json, "descriptor_key", path),
    skip != null && fields.bool(skip, `${path}.skip_if_absent`),
  );
}

function readGenericKey(fields: Fields, json: JsonValue, path: string): Action | null {
  if (!fields.object(json, path, ["descriptor_key", "descriptor_value"])) return null;
  const key = fields.textOr(json, "descriptor_key", path, "");
  return new GenericKey(key == "" ? "generic_key" : key, required(fields, json, "descriptor_value", path));
}

function readHeaderValueMatch(fields: Fields, json: JsonValue, path: string): Action | null {
  if (!fields.object(json, path, ["descriptor_key", "descriptor_value", "expect_match", "headers"]))
    return null;
  const key = fields.textOr(json, "descriptor_key", path, "");
  const value = required(fields, json, "descriptor_value", path);
  const expected = json.get("expect_match");
  const items = fields.list(json.get("headers"), `${path}.headers`);
  if (items.length == 0) fields.fail(`${path}.headers`, "needs at least one header");
  const headers: HeaderMatch[] = [];
  for (let i = 0; i < items.length; i++) headers.push(readHeader(fields, items[i], `${path}.headers[${i}]`));
  return new HeaderValueMatch(
    key == "" ? "header_match" : key,
    value,
    expected == null || fields.bool(expected, `${path}.expect_match`),
    headers,
  );
}

function readHeader(fields: Fields, json: JsonValue, path: string): HeaderMatch {
  const known = ["name", "string_match", "present_match", "invert_match", "treat_missing_header_as_empty"];
  const match = new HeaderMatch(headerName(fields, json.get("name"), `${path}.name`));
  if (!fields.object(json, path, known)) return match;
  const invert = json.get("invert_match");
  match.invert = invert != null && fields.bool(invert, `${path}.invert_match`);
  const missing = json.get("treat_missing_header_as_empty");
  match.missingAsEmpty = missing != null && fields.bool(missing, `${path}.treat_missing_header_as_empty`);
  const present = json.get("present_match");
  const text = json.get("string_match");
  if (present != null && text != null) fields.fail(path, "give only one of string_match and present_match");
  if (present != null) match.present = fields.bool(present, `${path}.present_match`);
  if (text != null) readStringMatch(fields, text, `${path}.string_match`, match);
  return match;
}

function readStringMatch(fields: Fields, json: JsonValue, path: string, match: HeaderMatch): void {
  const known = TESTS.concat(["ignore_case"]);
  if (!fields.object(json, path, known)) return;
  const ignoreCase = json.get("ignore_case");
  match.ignoreCase = ignoreCase != null && fields.bool(ignoreCase, `${path}.ignore_case`);
  let found = 0;
  for (let i = 0; i < TESTS.length; i++) {
    const value = json.get(TESTS[i]);
    if (value == null) continue;
    found++;
    match.test = <TextTest>(i + 1);
    if (match.test == TextTest.Regex) match.regex = readRegex(fields, value, `${path}.safe_regex`);
    else match.text = fields.text(value, `${path}.${TESTS[i]}`);
  }
  if (found != 1) fields.fail(path, `give exactly one of ${TESTS.join(", ")}`);
}

function readRegex(fields: Fields, json: JsonValue, path: string): Regex {
  const isGood = fields.object(json, path, ["regex", "google_re2"]);
  const regex = new Regex(isGood ? fields.text(json.get("regex"), `${path}.regex`) : "");
  if (regex.error != "") fields.fail(`${path}.regex`, regex.error);
  return regex;
}
