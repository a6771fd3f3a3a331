import { RE2JS } from "re2js";
import * as z from "zod";
import { message, oneOf } from "./message";
import { bool, bytes, enumeration, port, requiredText, struct, text, u32 } from "./scalars";

/** `core.v3.Metadata`. */
export const metadata = message({}, { filter_metadata: z.record(z.string(), struct) });

export const socketAddress = message(
  { address: requiredText, port_value: port },
  { protocol: enumeration({ 0: "TCP", 1: "UDP" }, ["TCP"]), ipv4_compat: bool },
);
export const address = message({ socket_address: socketAddress }, {});

export const locality = message({}, { region: text, zone: text, sub_zone: text });

/** Bytes from a file, or in the file that is read. */
export const dataSource = message(
  {},
  { filename: requiredText, inline_bytes: bytes, inline_string: text },
).check(oneOf(["filename", "inline_bytes", "inline_string"], "required"));

/** A regular expression RE2 takes. */
const regexText = requiredText
  .check(
    z.check(({ value, issues }) => {
      try {
        RE2JS.compile(value);
      } catch (error) {
        const message = `not a regular expression RE2 takes: ${(error as Error).message}`;
        issues.push({ code: "custom", message, input: value });
      }
    }),
  )
  .meta({ type: "string" });

export const regexMatcher = message({ regex: regexText }, { google_re2: message({}, {}) });

const STRING_FORMS = { exact: text, prefix: requiredText, suffix: requiredText, contains: requiredText };

export const stringMatcher = message(
  {},
  { ...STRING_FORMS, safe_regex: regexMatcher, ignore_case: bool },
).check(oneOf([...Object.keys(STRING_FORMS), "safe_regex"], "required"));

/** `type.v3.FractionalPercent` */
export const fractionalPercent = message(
  {},
  { numerator: u32, denominator: enumeration({ 0: "HUNDRED", 1: "TEN_THOUSAND", 2: "MILLION" }) },
);
