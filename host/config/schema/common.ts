import { RE2JS } from "re2js";
import * as z from "zod";
import { message, oneOf } from "./message";
import { bool, enumeration, headerName, headerValue, port, requiredText, struct, text, u32 } from "./scalars";

/** `core.v3.Metadata`. */
export const metadata = message({}, { filter_metadata: z.record(z.string(), struct) });

export const socketAddress = message(
  { address: requiredText, port_value: port },
  { protocol: enumeration({ 0: "TCP", 1: "UDP" }, ["TCP"]) },
);
export const address = message({ socket_address: socketAddress }, {});

export const locality = message({}, { region: text, zone: text, sub_zone: text });

export const headersToAdd = z.array(
  message(
    { header: message({ key: headerName }, { value: headerValue }) },
    {
      append: bool,
      append_action: enumeration({
        0: "APPEND_IF_EXISTS_OR_ADD",
        1: "ADD_IF_ABSENT",
        2: "OVERWRITE_IF_EXISTS_OR_ADD",
        3: "OVERWRITE_IF_EXISTS",
      }),
      keep_empty_value: bool,
    },
  ),
);

/** The four mutation lists that route configuration, virtual host and route have in common. */
export const mutations = {
  request_headers_to_add: headersToAdd,
  request_headers_to_remove: z.array(headerName),
  response_headers_to_add: headersToAdd,
  response_headers_to_remove: z.array(headerName),
};

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

export const regexMatcher = message(
  { regex: regexText },
  { google_re2: message({}, { max_program_size: u32 }) },
);

const STRING_FORMS = { exact: text, prefix: requiredText, suffix: requiredText, contains: requiredText };

export const stringMatcher = message(
  {},
  { ...STRING_FORMS, safe_regex: regexMatcher, ignore_case: bool },
).check(oneOf([...Object.keys(STRING_FORMS), "safe_regex"], "required"));
