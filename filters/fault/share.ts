import { HeaderMap, HeaderName } from "proxy-wasm-toolkit/sdk";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { DENOMINATOR } from "./roll";

/** How often something happens: Envoy's FractionalPercent. A header can lower it, not raise it. */
export class Share {
  constructor(
    readonly numerator: u32,
    /** Parts of a million that one of `numerator` stands for. */
    readonly scale: u32,
  ) {}

  static read(fields: Fields, json: JsonValue, path: string): Share {
    if (!fields.object(json, path, ["numerator", "denominator"])) return new Share(0, 1);
    const numerator = fields.integer(json.get("numerator"), `${path}.numerator`, 0, 1000000);
    const unit = fields.textOr(json, "denominator", path, "HUNDRED");
    let scale = 0;
    if (unit == "HUNDRED") scale = 10000;
    else if (unit == "TEN_THOUSAND") scale = 100;
    else if (unit == "MILLION") scale = 1;
    else fields.fail(`${path}.denominator`, "expected HUNDRED, TEN_THOUSAND or MILLION");
    return new Share(<u32>numerator, <u32>scale);
  }

  /** In parts of a million. */
  get whole(): u32 {
    return <u32>min<u64>(<u64>this.numerator * this.scale, DENOMINATOR);
  }

  /** Chance in parts of a million; a percentage that is no number counts for nothing. */
  chance(headers: HeaderMap, percentage: HeaderName): u32 {
    let numerator = <u64>this.numerator;
    const asked = unsigned(headers.get<HeaderName>(percentage));
    if (asked >= 0 && asked <= <i64>u32.MAX_VALUE) numerator = min<u64>(numerator, <u64>asked);
    return <u32>min<u64>(numerator * this.scale, DENOMINATOR);
  }
}

/** A whole number as Envoy reads it from a header, or -1. */
export function unsigned(text: string | null): i64 {
  if (text == null) return -1;
  const digits = text.trim();
  let value: u64 = 0;
  const start = digits.startsWith("+") ? 1 : 0;
  if (digits.length == start) return -1;
  for (let i = start; i < digits.length; i++) {
    const digit = <u32>digits.charCodeAt(i) - 48;
    if (digit > 9) return -1;
    if (value > <u64>i64.MAX_VALUE / 10 - 1) return -1;
    value = value * 10 + digit;
  }
  return <i64>value;
}
