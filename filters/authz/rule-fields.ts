import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import {
  Condition,
  DestinationIpCondition,
  HeaderCondition,
  HostCondition,
  MethodCondition,
  PathCondition,
  PortCondition,
  SourceIpCondition,
} from "./conditions";

const SOURCE: string[] = ["ipBlocks", "notIpBlocks"];
const OPERATION: string[] = [
  "hosts",
  "notHosts",
  "ports",
  "notPorts",
  "methods",
  "notMethods",
  "paths",
  "notPaths",
];
const HEADERS = "request.headers[";

export function readFrom(fields: Fields, json: JsonValue | null, path: string): Condition[][] | null {
  return readSide(fields, json, path, "source", SOURCE);
}

export function readTo(fields: Fields, json: JsonValue | null, path: string): Condition[][] | null {
  return readSide(fields, json, path, "operation", OPERATION);
}

/** A list of objects, each with the one member `member`; null = absent. */
function readSide(
  fields: Fields,
  json: JsonValue | null,
  path: string,
  member: string,
  known: string[],
): Condition[][] | null {
  if (json == null) return null;
  const alternatives: Condition[][] = [];
  const items = fields.list(json, path);
  if (items.length == 0) fields.fail(path, "must not be empty");
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    const at = `${path}[${i}]`;
    if (!fields.object(item, at, [member])) continue;
    const inner = item.get(member);
    const where = `${at}.${member}`;
    if (inner == null || !fields.object(inner, where, known)) {
      fields.fail(where, "missing");
      continue;
    }
    if (inner.keys.length == 0) fields.fail(where, "must not be empty");
    const conditions: Condition[] = [];
    for (let k = 0; k < inner.keys.length; k++) {
      const condition = fieldCondition(inner.keys[k]);
      readValues(fields, inner.items[k], `${where}.${inner.keys[k]}`, condition);
      conditions.push(condition);
    }
    alternatives.push(conditions);
  }
  return alternatives;
}

function fieldCondition(key: string): Condition {
  const negated = key.startsWith("not");
  const name = negated ? lowerCase(key.substring(3)) : lowerCase(key);
  if (name == "ipblocks") return new SourceIpCondition(negated);
  if (name == "hosts") return new HostCondition(negated);
  if (name == "ports") return new PortCondition(negated);
  if (name == "methods") return new MethodCondition(negated);
  return new PathCondition(negated);
}

/** One entry of `when`: its values, its notValues, or both. */
export function readWhen(fields: Fields, json: JsonValue, path: string, into: Condition[]): void {
  if (!fields.object(json, path, ["key", "values", "notValues"])) return;
  const key = fields.text(json.get("key"), `${path}.key`);
  const values = json.get("values");
  const notValues = json.get("notValues");
  if (values == null && notValues == null) fields.fail(path, "needs values or notValues");
  if (values != null) into.push(readPart(fields, key, false, values, path, "values"));
  if (notValues != null) into.push(readPart(fields, key, true, notValues, path, "notValues"));
}

function readPart(
  fields: Fields,
  key: string,
  negated: bool,
  json: JsonValue,
  path: string,
  part: string,
): Condition {
  const condition = keyCondition(fields, key, negated, `${path}.key`);
  readValues(fields, json, `${path}.${part}`, condition);
  return condition;
}

function keyCondition(fields: Fields, key: string, negated: bool, path: string): Condition {
  if (key == "source.ip") return new SourceIpCondition(negated);
  if (key == "destination.ip") return new DestinationIpCondition(negated);
  if (key == "destination.port") return new PortCondition(negated);
  let name = "";
  if (key.startsWith(HEADERS) && key.endsWith("]")) {
    name = lowerCase(key.substring(HEADERS.length, key.length - 1));
  }
  if (name == "") fields.fail(path, `"${key}" is unknown or not supported`);
  // Proxies show `host` as `:authority`.
  return new HeaderCondition(negated, new HeaderName(name == "host" ? ":authority" : name));
}

function readValues(fields: Fields, json: JsonValue, path: string, condition: Condition): void {
  const texts = fields.texts(json, path);
  if (texts.length == 0) fields.fail(path, "must not be empty");
  for (let i = 0; i < texts.length; i++) {
    const at = `${path}[${i}]`;
    if (texts[i] == "") fields.fail(at, "must not be empty");
    condition.add(fields, texts[i], at);
  }
}
