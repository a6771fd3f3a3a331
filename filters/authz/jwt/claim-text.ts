import { Bytes } from "proxy-wasm-toolkit/sdk";
import { encodeBase64 } from "proxy-wasm-toolkit/sdk/text/base64";
import { JsonKind, JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { sixPlaces } from "./decimal";
import { jsonText } from "./json-text";

const TWO_TO_64: f64 = 1.8446744073709552e19;

/** The claim a dotted name leads to, or null. */
export function claimAt(claims: JsonValue, names: string[]): JsonValue | null {
  let value: JsonValue | null = claims;
  for (let i = 0; i < names.length && value != null; i++) value = value.isObject ? value.get(names[i]) : null;
  return value;
}

/** A claim as Envoy writes it into a header; "" when it gets none. */
export function claimText(claim: JsonValue): string {
  if (claim.isText) return claim.text;
  if (claim.isNumber) return numberText(claim.number);
  if (claim.kind == JsonKind.Bool) return claim.number != 0 ? "true" : "false";
  if (claim.kind == JsonKind.Null) return "";
  return encodeBase64(Bytes.of(jsonText(claim)));
}

/** Whole numbers from 0 to 2^64 in digits, others with six places. */
function numberText(value: f64): string {
  const whole = value >= 0 && value < TWO_TO_64 && floor<f64>(value) == value;
  return whole ? (<u64>value).toString() : sixPlaces(value);
}
